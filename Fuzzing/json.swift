// Bounds: 64 KiB of input, 16 MiB an allocation, 512 MiB in all.

import Configuration

/// JSON, as in the header of a checkpoint and the lines of a log: what is read is written as a text that reads the same.
func check(_ input: [UInt8]) {
  let parse = { (bytes: [UInt8]) in try JSON(parsing: bytes) }
  guard let value = attempt(refusing: JSON.ParseError.self, { try parse(input) }) else { return }
  for written in [value.line, value.description] {
    let again = attempt(refusing: JSON.ParseError.self) { try parse(Array(written.utf8)) }
    claim(again == value, "JSON reads as it was written: \(written)")
  }
}
