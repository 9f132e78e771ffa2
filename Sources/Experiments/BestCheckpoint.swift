import Configuration
import Evaluation

/// The best evaluation on validation scenes so far: by one metric, the first of equals.
///
/// A metric says itself which end is the good one. An evaluation without the metric, or where it is not finite, does not
/// count.
struct BestCheckpoint {
  private let measure: Measure
  private(set) var step: Int?
  private var value: Double?

  /// `state` is what `json` gave in an earlier process.
  init(by metric: String, state: JSON?) {
    measure = Evaluator.measures.first { $0.name == metric } ?? Measure(metric, better: .lower)
    guard state?["metric"]?.string == metric, case .integer(let step)? = state?["step"] else { return }
    (self.step, value) = (step, state?["value"]?.double)
  }

  /// Whether the evaluation after `step` steps is better than all before it.
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
