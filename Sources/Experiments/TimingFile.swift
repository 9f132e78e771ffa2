import Configuration
import Pictures

/// Writes `timing.jsonl`, the durations of steps and evaluations. They are not in `metrics.jsonl`, because that file is
/// identical for repeated runs.
final class TimingFile {
  /// Sums over a whole run.
  struct Totals {
    var steps = 0
    var stepSeconds = 0.0
    var evaluationSeconds = 0.0
  }

  private let file: AppendedFile
  private var steps = 0
  private var start = monotonicSeconds()

  /// Opens the file. Throws `FileError`.
  init(in folder: OpenFolder) throws { file = try AppendedFile("timing.jsonl", in: folder) }

  /// Removes the lines after `step` and an incomplete last line. Throws `FileError`.
  func cut(after step: Int) throws {
    var kept = 0
    var isOver = false
    try JSONLines.read(file.path) { line, _, end in
      if let number = line?.step, number > step { isOver = true }
      if !isOver { kept = end }
    }
    try file.truncate(to: kept)
  }

  func synchronize() throws { try file.synchronize() }

  /// Counts a training step that has ended.
  func step() { steps += 1 }

  /// Excludes the time since the last line from the next one.
  func restartClock() { start = monotonicSeconds() }

  /// Writes the time since the last line or `restartClock`. Throws `FileError`.
  func writeSteps(upTo step: Int) throws {
    let now = monotonicSeconds()
    try write([.init("step", .integer(step)), .init("steps", .integer(steps)), .init("seconds", .number(now - start))])
    (steps, start) = (0, now)
  }

  /// Writes the time of an evaluation and excludes it from the time of steps. Throws `FileError`.
  func write(evaluationAfter step: Int, seconds: Double) throws {
    start += seconds
    try write([.init("step", .integer(step)), .init("split", "validation"), .init("seconds", .number(seconds))])
  }

  private func write(_ members: [JSON.Member]) throws { try file.append(line: JSON.object(members).line) }

  /// The totals of all lines. Unreadable lines, caused by a crash of the machine or an edit, are skipped. Throws
  /// `FileError`.
  func totals() throws -> Totals {
    var totals = Totals()
    try JSONLines.read(file.path) { line, _, _ in
      guard let line, let seconds = line.seconds else { return }
      if line["split"] != nil {
        totals.evaluationSeconds += seconds
      } else if case .integer(let steps)? = line["steps"], TrainingConfig.reachableSteps.contains(steps) {
        totals.stepSeconds += seconds
        // The number of steps can only exceed this limit if the file was edited.
        totals.steps = min(totals.steps + steps, TrainingConfig.reachableSteps.upperBound)
      }
    }
    return totals
  }

  /// The total time of the training steps up to each step that is recorded in the file. Throws `FileError`.
  static func stepSeconds(_ path: String) throws -> [(step: Int, seconds: Double)] {
    var sum = 0.0
    var found: [(step: Int, seconds: Double)] = []
    try JSONLines.read(path) { line, _, _ in
      guard let line, line["split"] == nil, let step = line.step, let seconds = line.seconds else { return }
      sum += seconds
      found.append((step, sum))
    }
    return found
  }
}

extension JSON {
  /// The step in a line of a log; nil if it is missing or not a possible step.
  var step: Int? {
    guard case .integer(let step)? = self["step"], TrainingConfig.reachableSteps.contains(step) else { return nil }
    return step
  }

  /// A duration in seconds: not negative, and not longer than 30,000 years.
  fileprivate var seconds: Double? { self["seconds"]?.double.flatMap { (0...1e12).contains($0) ? $0 : nil } }
}
