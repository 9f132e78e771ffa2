import Configuration
import Evaluation
import Glibc
import Inference
import Pictures
import Scenes

/// Writes the measurements of a training: deterministic values to `metrics.jsonl` and TensorBoard events, times to
/// `timing.jsonl`, messages to `log.txt`, and the progress line.
final class TrainingLog {
  private let folder: LockedFolder
  private let config: TrainingConfig
  private let metrics: AppendedFile
  private let events: EventFile
  private let timing: TimingFile
  private let messages: AppendedFile
  private let progress: ProgressLine
  private let start: Int
  private let state: LogState
  private var watch: CollapseWatch
  private var sums: RunningSums
  private var countAccuracy: Double?
  /// How the model failed in the last interval (`CollapseWatch`); nil if it did not.
  private(set) var collapse: String?

  /// Opens the files. `state` is the state of the log in the checkpoint after `step` steps. `begin` cuts the files to
  /// it.
  ///
  /// Throws `FileError`.
  init(_ folder: LockedFolder, _ config: TrainingConfig, modelSteps: Int, from step: Int, state: LogState) throws {
    (self.folder, self.config, self.start, self.state) = (folder, config, step, state)
    metrics = try AppendedFile("metrics.jsonl", in: folder.files)
    events = try EventFile(in: folder.files)
    timing = try TimingFile(in: folder.files)
    messages = try AppendedFile("log.txt", in: folder.files)
    progress = ProgressLine(from: step, to: config.steps)
    sums = state.json["sums"].flatMap(RunningSums.init) ?? RunningSums()
    watch = CollapseWatch(steps: modelSteps, state: state.json["watch"])
    countAccuracy = state.json["validation_count_accuracy"]?.double
    collapse = state.json["collapse"]?.string
  }

  /// Called when the first step begins. It cuts the files to their lengths at the checkpoint. Until then, they keep all
  /// their contents.
  ///
  /// A log that is shorter is cut after its last whole line or record, and the loss is reported. Throws `FileError` and
  /// `LostFolder`.
  func begin() throws {
    try folder.requireOwn()
    let ends = (metrics: try metrics.endOfLine(before: state.metrics), events: state.events)
    if ends.metrics < state.metrics { try report(metrics.path, "lines", ends.metrics, of: state.metrics) }
    try metrics.truncate(to: ends.metrics)
    if events.length < state.events {
      let end = try events.endOfRecord(before: state.events)
      try report(events.path, "records", end, of: state.events)
      try events.truncate(to: end)
    } else {
      try events.truncate(to: ends.events)
    }
    try timing.cut(after: start)
    timing.restartClock()
  }

  private func report(_ path: String, _ what: String, _ kept: Int, of wanted: Int) throws {
    try say(
      "warning: \(path) holds \(kept) bytes of whole \(what), the checkpoint after step \(start) was made with \(wanted): "
        + "the \(what) between are lost")
  }

  /// The state of the log for a checkpoint, from which a resumed training continues without a gap. All files are synced
  /// to disk first. Throws `FileError` and `LostFolder`.
  func currentState() throws -> JSON {
    try folder.requireOwn()
    try metrics.synchronize()
    try events.synchronize()
    try timing.synchronize()
    try messages.synchronize()
    return .object([
      .init("metrics", .integer(metrics.length)), .init("events", .integer(events.length)), .init("sums", sums.json),
      .init("watch", watch.json), .init("validation_count_accuracy", countAccuracy.map(JSON.number) ?? .null),
      .init("collapse", collapse.map(JSON.text) ?? .null),
    ])
  }

  /// Whether the logs of a folder are shorter than the state in a checkpoint. Throws `FileError`.
  static func isShort(in folder: RunFolder, for state: LogState) throws -> Bool {
    try fileSize("\(folder.path)/metrics.jsonl") < state.metrics
      || EventFile.path(in: folder.path).map(fileSize) ?? 0 < state.events
  }

  /// The size in bytes; 0 if there is no file.
  private static func fileSize(_ path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : 0
  }

  /// Throws `DivergenceError` if a term or a loss is not finite. Terms are checked first, because they name the cause.
  func check(_ step: Int, _ estimate: Estimate) throws {
    for (name, value) in estimate.terms { try check(name, Double(value.sum().scalar), step) }
    for (name, value) in estimate.losses { try check(name + "_loss", Double(value.scalar), step) }
  }

  /// Records one training step. Throws `DivergenceError` if the gradient is not finite, and `FileError`.
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

  /// Records an evaluation on validation scenes and its duration. Throws `FileError`.
  func record(_ step: Int, _ result: Evaluator.Result, seconds: Double) throws {
    countAccuracy = result["count_accuracy"]
    try write(step, split: .validation, result.scores.map { ($0.name, $0.value) })
    try timing.write(evaluationAfter: step, seconds: seconds)
    if step == config.steps { progress.end() }
  }

  func record(_ step: Int, _ picture: Picture, png: [UInt8]) throws {
    try events.append("scenes", picture, png: png, step: step)
  }

  /// Shows a message to the user and writes it to `log.txt`. Throws `FileError`.
  func say(_ text: String) throws {
    progress.say(text)
    try note(text)
  }

  /// Writes a message with the time to `log.txt` only. Throws `FileError`.
  func note(_ text: String) throws { try messages.append(line: "\(utcTime()) \(Escaping.terminal(text))") }

  /// The time of all steps and evaluations so far, including those before a resume.
  func times() throws -> TimingFile.Totals { try timing.totals() }

  func end() { progress.end() }

  private func write(_ step: Int, split: Split?, _ values: [(name: String, value: Double)]) throws {
    try folder.requireOwn()
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

/// The training cannot continue because a term, a loss or the gradient is not finite.
public struct DivergenceError: Error, CustomStringConvertible {
  public let step: Int
  public let term: String
  public let value: Double
  /// The step of the newest checkpoint, if there is one.
  public internal(set) var kept: Int?
  var advice = "Lower training.optimizer.rate or set training.clip_norm"
  public var description: String {
    "step \(step): \(term) is \(value.isNaN ? "nan" : "\(value)"), so training cannot go on. "
      + "\(advice); " + (kept.map { "the checkpoint after step \($0) is kept" } ?? "no checkpoint was reached")
  }
}

/// The current time in UTC: `2026-11-21T09:30:00Z`.
func utcTime() -> String {
  var now = time(nil)
  var parts = tm()
  gmtime_r(&now, &parts)
  func two(_ value: Int32) -> String { (value < 10 ? "0" : "") + String(value) }
  return "\(1900 + Int(parts.tm_year))-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
    + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
}
