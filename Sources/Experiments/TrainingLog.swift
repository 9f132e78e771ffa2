import Configuration
import Evaluation
import Glibc
import Inference
import Pictures
import Scenes

/// Writes what a training measures: `metrics.jsonl` and TensorBoard events (deterministic values only), `timing.jsonl`,
/// messages to `log.txt`, and the progress line.
final class TrainingLog {
  private let config: TrainingConfig
  private let metrics: AppendedFile
  private let events: EventFile
  private let timing: TimingFile
  private let messages: AppendedFile
  private let progress: ProgressLine
  private var watch: CollapseWatch
  private var sums = RunningSums()
  private var countAccuracy: Double?
  /// How the model failed in the last interval (`CollapseWatch`); nil where it did not.
  private(set) var collapse: String?

  /// `state` is what a checkpoint after `step` steps kept of the log: files are cut back to where they stood then.
  /// Throws `FileError`.
  init(_ folder: RunFolder, _ config: TrainingConfig, modelSteps: Int, from step: Int, state: JSON) throws {
    self.config = config
    metrics = try AppendedFile("\(folder.path)/metrics.jsonl")
    events = try EventFile(in: folder.path)
    timing = try TimingFile("\(folder.path)/timing.jsonl", upTo: step)
    messages = try AppendedFile("\(folder.path)/log.txt")
    progress = ProgressLine(from: step, to: config.steps)
    try metrics.truncate(to: TrainingLog.length("metrics", in: state))
    try events.truncate(to: TrainingLog.length("events", in: state))
    sums = RunningSums(state["sums"])
    watch = CollapseWatch(steps: modelSteps, state: state["watch"])
    countAccuracy = state["validation_count_accuracy"]?.double
    collapse = state["collapse"]?.string
  }

  /// What a checkpoint keeps, so that the log goes on as if nothing had happened. The files are on the disk by then.
  func state() throws -> JSON {
    try metrics.synchronize()
    try events.synchronize()
    return .object([
      .init("metrics", .integer(metrics.length)), .init("events", .integer(events.length)), .init("sums", sums.json),
      .init("watch", watch.json), .init("validation_count_accuracy", countAccuracy.map(JSON.number) ?? .null),
      .init("collapse", collapse.map(JSON.text) ?? .null),
    ])
  }

  /// What keeps the log files of a folder from going on from such a state; nil where they can.
  static func obstacle(in folder: RunFolder, to state: JSON) -> String? {
    guard state["metrics"] != nil else {
      return
        "it does not say how long the logs were (it was made before version 0.2); start a new run from it by --init-from"
    }
    let files = [("metrics", "\(folder.path)/metrics.jsonl"), ("events", EventFile.path(in: folder.path))]
    for case (let name, let path?) in files {
      let (wanted, found) = (length(name, in: state), fileSize(path) ?? 0)
      if found < wanted { return "\(path) holds \(found) bytes, fewer than the \(wanted) of that checkpoint" }
    }
    return nil
  }

  private static func length(_ name: String, in state: JSON) -> Int {
    guard case .integer(let length)? = state[name], length >= 0 else { return 0 }
    return length
  }

  /// Throws `DivergenceError` where a term or a loss is not finite; the terms first, since they name the cause.
  func check(_ step: Int, _ estimate: Estimate) throws {
    for (name, value) in estimate.terms { try check(name, Double(value.sum().scalar), step) }
    for (name, value) in estimate.losses { try check(name + "_loss", Double(value.scalar), step) }
  }

  /// Records one training step. Throws `DivergenceError` where the gradient is not finite, and `FileError`.
  func record(_ step: Int, _ estimate: Estimate, _ scenes: [Scene], gradientNorm: Double) throws {
    try check("gradient_norm", gradientNorm, step)
    for (name, value) in estimate.losses { sums.add(name + "_loss", Double(value.scalar)) }
    for (name, value) in estimate.terms { sums.add(name, Double(value.sum().scalar) / Double(value.count)) }
    sums.add("gradient_norm", gradientNorm)
    for (name, value) in estimate.diagnostics { sums.add(name, value) }
    if scenes.allSatisfy(\.isLabeled), let counts = estimate.terms.first(where: { $0.name == "count" })?.value.array() {
      let right = zip(counts, scenes).filter { Int($0.rounded()) == $1.objects.count }.count
      sums.add("count_accuracy", Double(right) / Double(max(1, scenes.count)))
      sums.add("true_count", Double(scenes.reduce(0) { $0 + $1.objects.count }) / Double(max(1, scenes.count)))
    }
    show(step)
    timing.step()
    guard step % config.logEvery == 0 || step == config.steps else { return }
    try write(step, split: nil, sums.means.filter { $0.name != "true_count" })
    try timing.writeSteps(upTo: step)
    for warning in watch.look(
      at: step, count: sums["count"], trueCount: sums["true_count"], signal: sums["signal_deviation"],
      residual: sums["residual_deviation"])
    {
      try say("warning: \(warning)")
    }
    collapse = watch.collapse(count: sums["count"], trueCount: sums["true_count"])
    sums = RunningSums()
  }

  /// Records an evaluation on validation scenes that took some time. Throws `FileError`.
  func record(_ step: Int, _ result: Evaluator.Result, seconds: Double) throws {
    countAccuracy = result["count_accuracy"]
    try write(step, split: .validation, result.scores.map { ($0.name, $0.value) })
    try timing.write(evaluationAfter: step, seconds: seconds)
    if step == config.steps { progress.end() }
  }

  func record(_ step: Int, _ picture: Picture, png: [UInt8]) throws {
    try events.append("scenes", picture, png: png, step: step)
  }

  /// A message for the person who looks, and for `log.txt`. Throws `FileError`.
  func say(_ text: String) throws {
    progress.say(text)
    try note(text)
  }

  /// A message for `log.txt` alone, with the time. Throws `FileError`.
  func note(_ text: String) throws { try messages.append(line: "\(utcTime()) \(text)") }

  /// The first step begins now.
  func begin() { timing.restartClock() }

  /// Time of all steps and evaluations so far, those before a resume included.
  func times() throws -> TimingFile.Totals { try timing.totals() }

  func end() { progress.end() }

  private func write(_ step: Int, split: Split?, _ values: [(name: String, value: Double)]) throws {
    let place = [JSON.Member("step", .integer(step))] + (split.map { [.init("split", .text($0.rawValue))] } ?? [])
    try metrics.append(line: JSON.object(place + values.map { .init($0.name, .number($0.value)) }).line)
    let group = (split ?? .train).rawValue
    try events.append(values.map { ("\(group)/\($0.name)", $0.value) }, step: step)
  }

  private func check(_ name: String, _ value: Double, _ step: Int) throws {
    guard !value.isFinite else { return }
    progress.end()
    throw DivergenceError(step: step, term: name, value: value)
  }

  private func show(_ step: Int) {
    var values: [String] = []
    if let bound = sums["nelbo"] { values.append("nELBO \(fixed(bound, 1))") }
    if let right = sums["count_accuracy"] { values.append("count accuracy \(fixed(100 * right, 1)) %") }
    if let validated = countAccuracy { values.append("validation \(fixed(100 * validated, 1)) %") }
    progress.show(step: step, values, isLast: step == config.steps)
  }
}

/// A term, a loss or the gradient is not a number, so that training cannot go on.
public struct DivergenceError: Error, CustomStringConvertible {
  public let step: Int
  public let term: String
  public let value: Double
  public var description: String {
    "step \(step): \(term) is \(value.isNaN ? "nan" : "\(value)"), so training cannot go on. "
      + "Lower training.optimizer.rate or set training.clip_norm; the last checkpoint is kept"
  }
}

/// 2026-11-21T09:30:00Z
func utcTime() -> String {
  var now = time(nil)
  var parts = tm()
  gmtime_r(&now, &parts)
  func two(_ value: Int32) -> String { (value < 10 ? "0" : "") + String(value) }
  return "\(1900 + Int(parts.tm_year))-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
    + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
}
