// Bounds: 64 KiB of input, 16 MiB per allocation, 512 MiB in total.

import Pictures

/// IDX data, with or without gzip: the number of values matches the sizes, and writing the array restores its bytes.
func check(_ input: [UInt8]) {
  var content = input
  if content.starts(with: [0x1F, 0x8B]) {
    let limit = 1 << 20
    guard let expanded = attempt(refusing: FileError.self, { try Gzip.decompress(content, limit: limit) }) else {
      return
    }
    claim(expanded.count <= limit, "nothing expands beyond the limit")
    let again = attempt(refusing: FileError.self) { try Gzip.decompress(Gzip.compress(expanded), limit: limit) }
    claim(again == expanded, "gzip data expands to what was compressed")
    content = expanded
  }
  guard let array = attempt(refusing: FileError.self, { try IDX(bytes: content) }) else { return }
  claim(array.values.count == array.shape.reduce(1, *), "as many values as the sizes say")
  var written: [UInt8] = [0, 0, 8, UInt8(array.shape.count)]
  for size in array.shape {
    for shift in [24, 16, 8, 0] { written.append(UInt8(truncatingIfNeeded: size >> shift)) }
  }
  written += array.values
  claim(written == content, "nothing is lost or added")
}
