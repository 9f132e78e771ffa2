/// Repeated measurements of the duration of the same work, in seconds.
struct Samples {
  private var seconds: [Double] = []

  mutating func add(_ duration: Double) { seconds.append(duration) }

  var count: Int { seconds.count }
  var minimum: Double { quantile(0) }
  var median: Double { quantile(0.5) }
  var p90: Double { quantile(0.9) }

  private func quantile(_ share: Double) -> Double {
    seconds.isEmpty ? .nan : seconds.sorted()[min(seconds.count - 1, Int(share * Double(seconds.count)))]
  }

  /// Repeats work until `duration` has passed, at least three times. If a call takes only microseconds, several calls
  /// are timed together.
  static func repeating(for duration: Double, _ work: () throws -> Void) rethrows -> Samples {
    let first = try time(work)
    let calls = max(1, min(1000, Int(50e-6 / max(first, 1e-9))))
    var samples = Samples()
    let end = monotonicSeconds() + duration
    while samples.count < 3 || monotonicSeconds() < end {
      samples.add(try time { for _ in 0..<calls { try work() } } / Double(calls))
    }
    return samples
  }

  /// The duration of the work, in seconds.
  static func time(_ work: () throws -> Void) rethrows -> Double {
    let start = monotonicSeconds()
    try work()
    return monotonicSeconds() - start
  }
}
