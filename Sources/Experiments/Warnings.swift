import Configuration

/// Detects the typical failures of these models during training. It warns about each failure once, in plain words.
struct CollapseWatch {
  private let steps: Int
  private var said: Set<String> = []
  private var deadIntervals = 0

  /// `state` is the value of `json` in an earlier process.
  init(steps: Int, state: JSON? = nil) {
    self.steps = steps
    if case .list(let words)? = state?["said"] { said = Set(words.compactMap(\.string)) }
    if case .integer(let count)? = state?["dead_intervals"] { deadIntervals = count }
  }

  /// The state for checkpoints.
  var json: JSON {
    .object([
      .init("said", .list(said.sorted().map(JSON.text))), .init("dead_intervals", .integer(deadIntervals)),
    ])
  }

  /// Checks one logging interval and returns new warnings. `count` is the mean number of objects found, or nil for a
  /// model that does not count objects. `trueCount` is the true mean, if known. `signal` and `residual` are diagnostics
  /// of the estimator.
  mutating func look(
    at step: Int, count: Double?, trueCount: Double?, signal: Double?, residual: Double?
  ) -> [String] {
    var found: [String] = []
    func say(_ key: String, _ text: String, _ said: inout Set<String>) {
      if said.insert(key).inserted { found.append(text) }
    }
    if let count, let trueCount, step >= 1000, count < 0.02, trueCount > 0.2 {
      say(
        "zero",
        "after \(step) steps no objects are found at all: the model explains scenes as blank. Raise the presence prior, "
          + "start patches darker (appearance.output_bias) or windows narrower (window.initial_deviation)", &said)
    }
    if let count, let trueCount, step >= 3000, count > 0.98 * Double(steps), trueCount < 0.9 * Double(steps) {
      say(
        "all",
        "after \(step) steps every scene uses all \(steps) inference steps: the presence prior is too weak to stop. "
          + "Lower prior.count (its ratio or success), or let it fall earlier", &said)
    }
    if let signal, let residual, signal > 0 {
      deadIntervals = residual >= signal ? deadIntervals + 1 : 0
      if step >= 2000, deadIntervals >= 5 {
        say(
          "baseline",
          "the learned baseline has not lowered the deviation of the learning signal (\(rounded(residual)) against "
            + "\(rounded(signal)) without it) for \(deadIntervals) reports: it may be dead; check estimator.baseline.rate",
          &said)
      }
    }
    return found
  }

  /// How a training collapsed: `zero` if it finds almost no objects, `all` if it uses almost all steps in every scene.
  /// Nil if neither is the case, or if the true counts are unknown.
  func collapse(count: Double?, trueCount: Double?) -> String? {
    guard let count, let trueCount else { return nil }
    if count < 0.02, trueCount > 0.2 { return "zero" }
    return count > 0.98 * Double(steps) && trueCount < 0.9 * Double(steps) ? "all" : nil
  }

  private func rounded(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
}
