/// Mean and standard deviation of values, for example over seeds or images (Welford 1962: stable for values far from
/// zero).
public struct Statistics: Equatable, Sendable {
  public private(set) var count = 0
  private var runningMean = 0.0
  private var squares = 0.0

  public init() {}

  public init(_ values: some Sequence<Double>) {
    for value in values { add(value) }
  }

  public mutating func add(_ value: Double) {
    count += 1
    let distance = value - runningMean
    runningMean += distance / Double(count)
    squares += distance * (value - runningMean)
  }

  /// The mean; nil if there are no values.
  public var mean: Double? { count > 0 ? runningMean : nil }

  /// The sample standard deviation (divided by n - 1), in the values' unit; nil for fewer than two values.
  public var standardDeviation: Double? { count > 1 ? (squares / Double(count - 1)).squareRoot() : nil }
}
