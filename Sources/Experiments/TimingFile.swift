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

  private let file: AppendedFile
  private var steps = 0
  private var start = monotonicSeconds()

  /// Opens the file. Throws `FileError`.
  init(in folder: OpenFolder) throws { file = try AppendedFile("timing.jsonl", in: folder) }

  /// Drops the lines after `step`, and what is no whole line. Throws `FileError`.
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

  /// Lines that cannot be read, after a crash of the machine or an edit, are left out. Throws `FileError`.
  func totals() throws -> Totals {
    var totals = Totals()
    try JSONLines.read(file.path) { line, _, _ in
      guard let line, let seconds = line.seconds else { return }
      if line["split"] != nil {
        totals.evaluationSeconds += seconds
      } else if case .integer(let steps)? = line["steps"], TrainingConfig.reachableSteps.contains(steps) {
        totals.stepSeconds += seconds
        // Only a file that was edited has more steps than there are.
        totals.steps = min(totals.steps + steps, TrainingConfig.reachableSteps.upperBound)
      }
    }
    return totals
  }

  /// The seconds of all training steps up to a step, for each step that the file names. Throws `FileError`.
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
  /// The step of a line of a log, if it has one that a training can reach.
  var step: Int? {
    guard case .integer(let step)? = self["step"], TrainingConfig.reachableSteps.contains(step) else { return nil }
    return step
  }

  /// A duration: neither negative nor longer than 30,000 years.
  fileprivate var seconds: Double? { self["seconds"]?.double.flatMap { (0...1e12).contains($0) ? $0 : nil } }
}
