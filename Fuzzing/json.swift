// Bounds: 64 KiB of input, 16 MiB per allocation, 512 MiB in total.

import Configuration

/// JSON, as in the header of a checkpoint and in the lines of a log: a parsed value, when written, parses to the same
/// value.
func check(_ input: [UInt8]) {
  let parse = { (bytes: [UInt8]) in try JSON(parsing: bytes) }
  guard let value = attempt(refusing: JSON.ParseError.self, { try parse(input) }) else { return }
  for written in [value.line, value.description] {
    let again = attempt(refusing: JSON.ParseError.self) { try parse(Array(written.utf8)) }
    claim(again == value, "JSON reads as it was written: \(written)")
  }
}
