import Configuration
import Evaluation

/// Keeps track of the best evaluation on validation scenes by one metric. The first of equal values wins.
///
/// The metric decides whether higher or lower is better. An evaluation that lacks the metric, or has a value that is
/// not finite, does not count.
struct BestCheckpoint {
  private let measure: Measure
  private(set) var step: Int?
  private var value: Double?

  /// `state` is the value of `json` in an earlier process.
  init(by metric: String, state: JSON?) {
    measure = Evaluator.measures.first { $0.name == metric } ?? Measure(metric, better: .lower)
    guard state?["metric"]?.string == metric, case .integer(let step)? = state?["step"] else { return }
    (self.step, value) = (step, state?["value"]?.double)
  }

  /// Records the evaluation after `step` steps. Returns whether it is better than all earlier ones.
  mutating func improves(with result: Evaluator.Result, after step: Int) -> Bool {
    guard let new = result[measure.name], new.isFinite else { return false }
    if let value, measure.better == .higher ? new <= value : new >= value { return false }
    (self.step, value) = (step, new)
    return true
  }

  var json: JSON {
    .object([
      .init("metric", .text(measure.name)), .init("step", step.map(JSON.integer) ?? .null),
      .init("value", value.map(JSON.number) ?? .null),
    ])
  }
}
