import Configuration

/// The state of the logs in a checkpoint, so that a resumed training continues them without a gap.
struct LogState {
  /// The lengths of `metrics.jsonl` and of the event file, in bytes.
  let metrics, events: Int
  let json: JSON

  /// The state of empty logs.
  static let empty = LogState(metrics: 0, events: 0, json: .object([]))

  private init(metrics: Int, events: Int, json: JSON) {
    (self.metrics, self.events, self.json) = (metrics, events, json)
  }

  /// Throws `RunError` for values that a checkpoint of a run cannot contain.
  init(_ json: JSON) throws {
    guard json["metrics"] != nil else {
      throw RunError(
        "it does not say how long the logs were (it holds parameters alone, or was made before version 0.2), so no "
          + "training can go on from it; start a new run from it by --init-from")
    }
    func length(_ name: String) throws -> Int {
      guard case .integer(let length)? = json[name], (0...1 << 50).contains(length) else {
        throw RunError("what it says of the logs was changed: '\(name)' is \(json[name]?.line ?? "missing")")
      }
      return length
    }
    (metrics, events, self.json) = (try length("metrics"), try length("events"), json)
    if let sums = json["sums"], RunningSums(sums) == nil {
      throw RunError("what it says of the logs was changed: 'sums' holds what no training adds up")
    }
    for (name, value) in [
      ("dead_intervals", json["watch"]?["dead_intervals"]), ("best.step", json["best"]?["step"]),
    ] {
      guard let value, value != .null else { continue }
      guard case .integer(let count) = value, TrainingConfig.reachableSteps.contains(count) else {
        throw RunError("what it says of the logs was changed: '\(name)' is \(value.line)")
      }
    }
  }
}
