// Bounds: 64 KiB of input, 16 MiB per allocation, 512 MiB in total.

import Pictures

/// An NPZ archive or a single NPY file: arrays that were read can be written and are then read back unchanged.
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
  // Names that are not UTF-8, or that a zip archive cannot hold, are not written.
  guard let written = attempt(refusing: FileError.self, { try NPZ.bytes(arrays) }) else { return }
  let again = attempt(refusing: FileError.self) { try NPZ(bytes: written, limit: limit) }
  claim(again?.names == arrays.map(\.name), "names come back as they were written")
}

/// Claims that an array, written and read back, is the same in every bit.
private func check(_ array: NPY) {
  claim(array.values.count == array.shape.reduce(1, *), "as many values as the sizes say")
  let written = array.bytes
  let again = attempt(refusing: FileError.self) { try NPY(bytes: written) }
  claim(again?.shape == array.shape && again?.bytes == written, "an array comes back from its bytes")
}
