import Configuration
import Pictures

/// `timing.jsonl`: how long steps and evaluations took. Kept apart from `metrics.jsonl`, which is the same in every run.
final class TimingFile {
  /// Sums over a whole run.
  struct Totals {
    var steps = 0
    var stepSeconds = 0.0
    var evaluationSeconds = 0.0
  }

  private let path: String
  private let file: AppendedFile
  private var steps = 0
  private var start = monotonicSeconds()

  /// Opens the file and drops lines after `step`. Throws `FileError`.
  init(_ path: String, upTo step: Int) throws {
    self.path = path
    file = try AppendedFile(path)
    var kept = 0
    for (line, end) in try TimingFile.lines(path) {
      guard case .integer(let number)? = line["step"], number <= step else { break }
      kept = end
    }
    try file.truncate(to: kept)
  }

  /// One more training step has ended.
  func step() { steps += 1 }

  /// What came since the last line is not part of the next one.
  func restartClock() { start = monotonicSeconds() }

  /// Writes the time since the last line or `restartClock`. Throws `FileError`.
  func writeSteps(upTo step: Int) throws {
    let now = monotonicSeconds()
    try write([.init("step", .integer(step)), .init("steps", .integer(steps)), .init("seconds", .number(now - start))])
    (steps, start) = (0, now)
  }

  /// Writes the time of an evaluation, which is not part of the steps' time. Throws `FileError`.
  func write(evaluationAfter step: Int, seconds: Double) throws {
    start += seconds
    try write([.init("step", .integer(step)), .init("split", "validation"), .init("seconds", .number(seconds))])
  }

  private func write(_ members: [JSON.Member]) throws { try file.append(line: JSON.object(members).line) }

  func totals() throws -> Totals {
    var totals = Totals()
    for (line, _) in try TimingFile.lines(path) {
      let seconds = line["seconds"]?.double ?? 0
      if line["split"] != nil {
        totals.evaluationSeconds += seconds
      } else {
        totals.stepSeconds += seconds
        if case .integer(let steps)? = line["steps"] { totals.steps += steps }
      }
    }
    return totals
  }

  /// The seconds of all training steps up to a step, for each step that the file names. Throws `FileError`.
  static func stepSeconds(_ path: String) throws -> [(step: Int, seconds: Double)] {
    var sum = 0.0
    var found: [(step: Int, seconds: Double)] = []
    for (line, _) in try lines(path) where line["split"] == nil {
      guard case .integer(let step)? = line["step"] else { continue }
      sum += line["seconds"]?.double ?? 0
      found.append((step, sum))
    }
    return found
  }

  /// Whole lines that can be read, each with the place of its end, up to the first that cannot.
  private static func lines(_ path: String) throws -> [(line: JSON, end: Int)] {
    var lines: [(JSON, Int)] = []
    var end = 0
    let bytes = try readFile(path)
    while let newline = bytes[end...].firstIndex(of: UInt8(ascii: "\n")),
      let line = try? JSON(parsing: bytes[end..<newline])
    {
      end = newline + 1
      lines.append((line, end))
    }
    return lines
  }
}
