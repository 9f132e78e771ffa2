import Configuration
import Glibc

/// A number that may change over the training steps, such as a learning rate, a temperature or a prior.
public struct Schedule: Sendable, Equatable {
  public enum Kind: String, CaseIterable, Sendable { case constant, linear, exponential, cosine, piecewise }

  public var kind = Kind.constant
  /// The value up to step `begin`.
  public var from = 0.0
  /// The value from step `end` on.
  public var to = 0.0
  public var begin = 0
  public var end = 0
  /// For a piecewise schedule: `values[i]` applies from step `steps[i]` on, `from` before the first of them.
  public var steps: [Int] = []
  public var values: [Double] = []

  public init() {}

  /// The same value at every step.
  public init(_ value: Double) { from = value }

  public init(_ kind: Kind, from: Double, to: Double, begin: Int, end: Int) {
    (self.kind, self.from, self.to, self.begin, self.end) = (kind, from, to, begin, end)
  }

  public func value(at progress: Progress) -> Double {
    switch progress {
    case .step(let step): value(atStep: step)
    case .end: value(atStep: .max)
    }
  }

  private func value(atStep step: Int) -> Double {
    if kind == .constant { return from }
    if kind == .piecewise { return steps.lastIndex { step >= $0 }.map { values[$0] } ?? from }
    if step <= begin { return from }
    if step >= end { return to }
    let share = Double(step - begin) / Double(end - begin)
    switch kind {
    case .linear: return from + (to - from) * share
    case .exponential: return from * pow(to / from, share)
    default: return to + (from - to) * (1 + cos(Double.pi * share)) / 2
    }
  }

  /// The range that contains all values of the schedule.
  var extremes: ClosedRange<Double> {
    let reached = kind == .constant ? [from] : kind == .piecewise ? [from] + values : [from, to]
    return (reached.min() ?? from)...(reached.max() ?? from)
  }
}

/// The progress of a training run: a step, or the end (evaluation uses the final values of schedules).
public enum Progress: Sendable, Equatable {
  case step(Int)
  case end
}
