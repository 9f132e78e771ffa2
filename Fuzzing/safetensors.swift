// Bounds: 64 KiB of input, 16 MiB per allocation, 512 MiB in total.

import Experiments
import Tensors

/// A safetensors file: its contents can be written and are then read back unchanged.
func check(_ input: [UInt8]) {
  let parse = { (bytes: [UInt8]) in try SafeTensors.parse(bytes, name: "fuzz.safetensors") }
  guard let contents = attempt(refusing: RunError.self, { try parse(input) }) else { return }
  for (name, tensor) in contents.tensors {
    claim(tensor.array().count == tensor.shape.reduce(1, *), "\(name) holds as many values as its shape says")
  }
  let written = SafeTensors.encode(
    contents.tensors.map { ($0.key, $0.value) }, metadata: contents.metadata.map { ($0.key, $0.value) })
  let again = attempt(refusing: RunError.self) { try parse(written) }
  claim(again?.metadata == contents.metadata, "metadata reads as it was written")
  let bits = { (tensors: [String: Tensor]) in tensors.mapValues { [$0.shape, $0.array().map { Int($0.bitPattern) }] } }
  claim(again.map { bits($0.tensors) } == bits(contents.tensors), "tensors read as they were written")
}
