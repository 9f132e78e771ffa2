import Configuration
import Evaluation
import Inference
import Scenes
import Tensors

/// Writes what a training measures: `metrics.jsonl` (deterministic values only), `timing.jsonl`, the progress line.
final class TrainingLog {
  private let config: TrainingConfig
  private let metrics: LineFile
  private let timing: LineFile
  private let progress: ProgressLine
  private var watch: CollapseWatch
  private var sums = Sums()
  private var countAccuracy: Double?
  private var intervalStart = monotonicSeconds()

  /// Sums over the steps since the last line.
  private struct Sums {
    var values: [(name: String, total: Double, count: Double)] = []
    mutating func add(_ name: String, _ value: Double) {
      if let index = values.firstIndex(where: { $0.name == name }) {
        values[index].total += value
        values[index].count += 1
      } else {
        values.append((name, value, 1))
      }
    }
    subscript(_ name: String) -> Double? {
      values.first { $0.name == name }.map { $0.total / $0.count }
    }
  }

  init(_ folder: RunFolder, _ config: TrainingConfig, modelSteps: Int) throws {
    self.config = config
    metrics = try LineFile("\(folder.path)/metrics.jsonl")
    timing = try LineFile("\(folder.path)/timing.jsonl")
    progress = ProgressLine(from: 0, to: config.steps)
    watch = CollapseWatch(steps: modelSteps)
  }

  /// Throws `DivergenceError` where a term or a loss is not finite; the terms first, since they name the cause.
  func check(_ step: Int, _ estimate: Estimate) throws {
    for (name, value) in estimate.terms { try check(name, Double(value.sum().scalar), step) }
    for (name, value) in estimate.losses { try check(name + "_loss", Double(value.scalar), step) }
  }

  /// Records one training step. Throws `DivergenceError` where the gradient is not finite.
  func record(_ step: Int, _ estimate: Estimate, _ scenes: [Scene], gradientNorm: Double) throws {
    try check("gradient_norm", gradientNorm, step)
    for (name, value) in estimate.losses { sums.add(name + "_loss", Double(value.scalar)) }
    for (name, value) in estimate.terms { sums.add(name, Double(value.sum().scalar) / Double(value.count)) }
    sums.add("gradient_norm", gradientNorm)
    for (name, value) in estimate.diagnostics { sums.add(name, value) }
    if let counts = estimate.terms.first(where: { $0.name == "count" })?.value.array() {
      let right = zip(counts, scenes).filter { Int($0.rounded()) == $1.objects.count }.count
      sums.add("count_accuracy", Double(right) / Double(max(1, scenes.count)))
      sums.add("true_count", Double(scenes.reduce(0) { $0 + $1.objects.count }) / Double(max(1, scenes.count)))
    }
    show(step)
    guard step % config.logEvery == 0 || step == config.steps else { return }
    let line = sums.values.filter { $0.name != "true_count" }.map { JSON.Member($0.name, .number($0.total / $0.count)) }
    try metrics.append(JSON.object([JSON.Member("step", .integer(step))] + line).line)
    let now = monotonicSeconds()
    try timing.append(
      JSON.object([
        JSON.Member("step", .integer(step)), JSON.Member("seconds", .number(now - intervalStart)),
      ]).line)
    intervalStart = now
    for warning in watch.look(
      at: step, count: sums["count"] ?? 0, trueCount: sums["true_count"] ?? 0, signal: sums["signal_deviation"],
      residual: sums["residual_deviation"])
    {
      progress.say("warning: \(warning)")
    }
    sums = Sums()
  }

  /// Records an evaluation on validation scenes.
  func record(_ step: Int, _ result: Evaluator.Result) throws {
    countAccuracy = result["count_accuracy"]
    let members = result.scores.map { JSON.Member($0.name, .number($0.value)) }
    try metrics.append(
      JSON.object([JSON.Member("step", .integer(step)), JSON.Member("split", "validation")] + members).line)
    // Evaluations are not part of a training step's time.
    intervalStart = monotonicSeconds()
    if step == config.steps { progress.end() }
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
