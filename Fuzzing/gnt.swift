// Bounds: 64 KiB of input, 16 MiB per allocation, 512 MiB in total.

@testable import Datasets

/// A GNT file of handwritten characters: consecutive records fill the file, and codes that GBK defines are printable.
func check(_ input: [UInt8]) {
  let read = { (offset: Int) in Array(input[offset..<offset + GNTFile.header]) }
  guard
    let records = attempt(
      refusing: DatasetError.self, { try GNTFile.records(length: input.count, name: "fuzz.gnt", read: read) }),
    let encoding = attempt(refusing: DatasetError.self, { try GBK() })
  else { return }
  var end = 0
  for record in records {
    claim(record.offset == end && record.pixels.count == record.width * record.height, "records follow each other")
    end = record.pixels.upperBound
    let character = encoding.character(UInt8(record.code >> 8), UInt8(record.code & 255))
    claim(character.map { $0.value > 0x20 } ?? true, "a character shows something")
  }
  claim(end == input.count, "records fill the file")
}
