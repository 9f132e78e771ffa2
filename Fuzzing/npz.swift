// Bounds: 64 KiB of input, 16 MiB an allocation, 512 MiB in all.

import Pictures

/// An NPZ archive, or one NPY file: what is read is written as bytes that read the same.
func check(_ file: [UInt8]) {
  let limit = 1 << 20
  if file.first == 0x93 {
    if let array = attempt(refusing: FileError.self, { try NPY(bytes: file) }) { check(array) }
    return
  }
  guard let archive = attempt(refusing: FileError.self, { try NPZ(bytes: file, limit: limit) }) else { return }
  var arrays: [(name: String, array: NPY)] = []
  for name in archive.names.prefix(4) {
    guard let array = attempt(refusing: FileError.self, { try archive.array(name) }) ?? nil else { continue }
    check(array)
    arrays.append((name, array))
  }
  // Names that are not UTF-8, or hold what a zip archive refuses, are not written.
  guard let written = attempt(refusing: FileError.self, { try NPZ.bytes(arrays) }) else { return }
  let again = attempt(refusing: FileError.self) { try NPZ(bytes: written, limit: limit) }
  claim(again?.names == arrays.map(\.name), "names come back as they were written")
}

/// Claims that an array comes back from its own bytes, all bits included.
private func check(_ array: NPY) {
  claim(array.values.count == array.shape.reduce(1, *), "as many values as the sizes say")
  let written = array.bytes
  let again = attempt(refusing: FileError.self) { try NPY(bytes: written) }
  claim(again?.shape == array.shape && again?.bytes == written, "an array comes back from its bytes")
}
