import Glibc

/// Tests whether independent random vectors have a given mean: a z-test of each coordinate with Bonferroni correction.
///
/// Draws are accumulated one by one (Welford 1962). A coordinate that does not vary has no z-value and must equal its
/// expected value.
public struct MeanTest {
  /// The result of a test.
  public struct Verdict {
    /// The largest |z| of all coordinates, its coordinate, and the bound that it must not exceed.
    public let largest: Double
    public let coordinate: Int
    public let bound: Double
    /// The largest difference from the expected value among coordinates that do not vary.
    public let constantDifference: Double
    /// The number of coordinates that vary.
    public let tested: Int
    fileprivate let tolerance: Double

    public var isUnbiased: Bool { largest <= bound && constantDifference <= tolerance }
  }

  public private(set) var count = 0
  private var means: [Double]
  private var squares: [Double]

  public init(coordinates: Int) {
    means = Array(repeating: 0, count: coordinates)
    squares = means
  }

  public mutating func add(_ draw: some Collection<Float>) {
    precondition(draw.count == means.count, "a draw of \(draw.count) coordinates, wanted \(means.count)")
    count += 1
    for (index, value) in draw.enumerated() {
      let before = Double(value) - means[index]
      means[index] += before / Double(count)
      squares[index] += before * (Double(value) - means[index])
    }
  }

  /// The variance of one draw, summed over the coordinates.
  public var totalVariance: Double { squares.reduce(0, +) / Double(count - 1) }

  /// Tests all coordinates jointly at the significance level `level`.
  ///
  /// `tolerance` is the difference that rounding may cause. A coordinate whose standard deviation is not larger counts
  /// as constant.
  public func verdict(expecting expected: [Double], level: Double = 0.001, tolerance: Double) -> Verdict {
    precondition(expected.count == means.count && count > 1, "\(expected.count) expectations, \(count) draws")
    var (largest, coordinate, constant, tested) = (0.0, -1, 0.0, 0)
    for index in means.indices {
      let distance = abs(means[index] - expected[index])
      let difference = distance.isNaN ? Double.infinity : distance
      let deviation = (squares[index] / Double(count - 1)).squareRoot()
      guard deviation > tolerance else {
        constant = max(constant, difference)
        continue
      }
      tested += 1
      let z = (difference - tolerance) / (deviation / Double(count).squareRoot())
      if z > largest { (largest, coordinate) = (z, index) }
    }
    return Verdict(
      largest: largest, coordinate: coordinate, bound: normalQuantile(upperTail: level / Double(2 * max(1, tested))),
      constantDifference: constant, tested: tested, tolerance: tolerance)
  }
}

/// The value that a standard normal exceeds with probability `upperTail` (at most 1/2), found by bisection of erfc.
public func normalQuantile(upperTail: Double) -> Double {
  var (low, high) = (0.0, 40.0)
  while high - low > 1e-12 {
    let middle = (low + high) / 2
    if erfc(middle / 2.0.squareRoot()) / 2 > upperTail { low = middle } else { high = middle }
  }
  return (low + high) / 2
}
