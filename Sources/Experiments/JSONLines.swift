import Configuration
import Glibc
import Pictures

/// Reads files with one JSON object per line. They grow during training, so they are read in chunks.
enum JSONLines {
  /// The length of the longest valid line, in bytes.
  static let longestLine = 1 << 20

  /// Calls `body` for every whole line with its object, its line number (from 1), and the byte offset of its end. The
  /// object is nil if the line is not a JSON object. Text after the last newline is omitted, because it is still being
  /// written or was cut off.
  ///
  /// Throws `FileError` if the file cannot be read or has a line of more than `longestLine` bytes, and the errors of
  /// `body`.
  static func read(_ path: String, _ body: (_ line: JSON?, _ number: Int, _ end: Int) throws -> Void) throws {
    let file = try openRegularFile(path)
    defer { close(file) }
    var rest: [UInt8] = []
    var number = 0
    var end = 0
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = Glibc.read(file, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw systemError(path, "cannot be read", errno) }
      if count == 0 { return }
      var start = 0
      while let newline = chunk[start..<count].firstIndex(of: UInt8(ascii: "\n")) {
        let line = rest + chunk[start..<newline]
        rest = []
        start = newline + 1
        number += 1
        end += line.count + 1
        try body(object(line), number, end)
      }
      rest += chunk[start..<count]
      guard rest.count <= longestLine else {
        throw FileError(
          path: path, problem: "line \(number + 1) is longer than \(longestLine) bytes",
          nextStep: "remove what was written there by other means")
      }
    }
  }

  private static func object(_ line: [UInt8]) -> JSON? {
    guard let value = try? JSON(parsing: line), case .object = value else { return nil }
    return value
  }
}

/// Opens a file for reading. Pipes, which may have no writer, and devices are refused. Throws `FileError`.
func openRegularFile(_ path: String) throws -> Int32 {
  try requireRegularFile(path)
  let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
  guard file >= 0 else { throw systemError(path, "cannot be opened", errno) }
  return file
}
