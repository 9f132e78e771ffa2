import Configuration
import Glibc
import Pictures

/// Files of one JSON object per line. They grow with the training, so they are read piece by piece.
enum JSONLines {
  /// Longer lines are no lines of ours.
  static let longestLine = 1 << 20

  /// Calls `body` for every whole line with its object, its number (from 1) and the place of its end in bytes; the object is
  /// nil where the line is none. What follows the last newline is being written, or was cut short, and is left out.
  ///
  /// Throws `FileError` where the file cannot be read or has lines of more than `longestLine` bytes, and what `body` throws.
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

/// Opens a file to read it. A pipe, which nobody may write to, and a device are refused. Throws `FileError`.
func openRegularFile(_ path: String) throws -> Int32 {
  try requireRegularFile(path)
  let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
  guard file >= 0 else { throw systemError(path, "cannot be opened", errno) }
  return file
}
