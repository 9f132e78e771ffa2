import Glibc

/// Tests whether two rows of a table, measured with the same seeds, differ.
///
/// It uses the paired t test and Wilcoxon's signed-rank test of the differences.
public struct PairedComparison: Equatable, Sendable {
  /// A statistic with its two-sided p-value.
  public struct Test: Equatable, Sendable {
    public let statistic: Double
    public let p: Double
  }

  /// The differences, left minus right.
  public let differences: Statistics
  /// Student's t with n - 1 degrees of freedom; nil for fewer than two pairs, or if all differences are equal.
  public let t: Test?
  /// Student's 95 % confidence interval of the mean difference; nil under the same conditions.
  public let interval: ClosedRange<Double>?
  /// The smaller of the rank sums of the two signs, over the pairs that differ; nil if none does.
  ///
  /// The p-value is exact for up to 50 pairs, with ties: every assignment of signs to the observed ranks counts. For
  /// more pairs it is the normal approximation with the correction for ties.
  public let wilcoxon: Test?

  public init(_ pairs: [(left: Double, right: Double)]) {
    let values = pairs.map { $0.left - $0.right }
    differences = Statistics(values)
    t = PairedComparison.studentTest(differences)
    interval = PairedComparison.studentInterval(differences)
    wilcoxon = PairedComparison.signedRankTest(values.filter { $0 != 0 })
  }

  private static func studentTest(_ differences: Statistics) -> Test? {
    guard let mean = differences.mean, let deviation = differences.standardDeviation, deviation > 0 else { return nil }
    let t = mean / (deviation / Double(differences.count).squareRoot())
    return Test(statistic: t, p: chance(ofBeyond: t, freedom: Double(differences.count - 1)))
  }

  /// The probability that Student's t is farther from 0 than this.
  private static func chance(ofBeyond t: Double, freedom: Double) -> Double {
    incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5)
  }

  private static func studentInterval(_ differences: Statistics) -> ClosedRange<Double>? {
    guard let mean = differences.mean, let deviation = differences.standardDeviation, deviation > 0 else { return nil }
    // Finds the t that is exceeded in 5 of 100 cases, by bisection; at one degree of freedom it is 12.7.
    var (low, high) = (0.0, 20.0)
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if chance(ofBeyond: middle, freedom: Double(differences.count - 1)) > 0.05 { low = middle } else { high = middle }
    }
    let reach = high * deviation / Double(differences.count).squareRoot()
    guard mean.isFinite, reach.isFinite else { return nil }
    return mean - reach...mean + reach
  }

  private static func signedRankTest(_ differences: [Double]) -> Test? {
    guard !differences.isEmpty else { return nil }
    // Uses twice the ranks, so that the mean rank of ties is a whole number.
    let sizes = differences.map { abs($0) }
    let ranks = sizes.map { size in
      2 * sizes.count { $0 < size } + sizes.count { $0 == size } + 1
    }
    let total = ranks.reduce(0, +)
    let positive = zip(ranks, differences).reduce(0) { $0 + ($1.1 > 0 ? $1.0 : 0) }
    let smaller = min(positive, total - positive)
    let p = differences.count <= 50 ? exact(smaller, ranks, total) : approximate(smaller, ranks)
    return Test(statistic: Double(smaller) / 2, p: min(1, p))
  }

  /// The probability that random signs give a sum at least as far from the middle.
  private static func exact(_ smaller: Int, _ ranks: [Int], _ total: Int) -> Double {
    var chances = [Double](repeating: 0, count: total + 1)
    chances[0] = 1
    for rank in ranks {
      for sum in stride(from: total, through: 0, by: -1) {
        chances[sum] = (chances[sum] + (sum >= rank ? chances[sum - rank] : 0)) / 2
      }
    }
    return 2 * chances[...smaller].reduce(0, +)
  }

  private static func approximate(_ smaller: Int, _ ranks: [Int]) -> Double {
    // The sum of the doubled ranks r of one sign is a sum of independent r / 2 ± r / 2, so its mean is half the total
    // and its variance Σ r² / 4.
    let mean = Double(ranks.reduce(0, +)) / 2
    let deviation = (ranks.reduce(0) { $0 + Double($1 * $1) } / 4).squareRoot()
    return erfc((mean - Double(smaller)) / deviation / 2.0.squareRoot())
  }
}

/// The regularized incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22, Lentz's method).
private func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
  guard x > 0, x < 1 else { return x <= 0 ? 0 : 1 }
  // The fraction converges fast for these x; for others, I_x(a, b) = 1 - I_{1-x}(b, a) is used.
  guard x <= (a + 1) / (a + b + 2) else { return 1 - incompleteBeta(1 - x, b, a) }
  let front = exp(a * log(x) + b * log1p(-x) + lgamma(a + b) - lgamma(a) - lgamma(b)) / a
  var (fraction, numerator, denominator) = (1.0, Double.infinity, 1.0)
  for step in 1..<500 {
    let m = Double(step / 2)
    let coefficient =
      step % 2 == 0
      ? m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
      : -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
    denominator = 1 / (1 + coefficient * denominator)
    numerator = 1 + coefficient / numerator
    fraction *= numerator * denominator
    if abs(numerator * denominator - 1) < 1e-15 { break }
  }
  return front * fraction
}
