import Glibc

/// Whether two rows measured under the same seeds differ: the paired t test and Wilcoxon's signed-rank test of the differences.
public struct PairedComparison: Equatable, Sendable {
  /// A statistic with its two-sided p-value.
  public struct Test: Equatable, Sendable {
    public let statistic: Double
    public let p: Double
  }

  /// Of left less right.
  public let differences: Statistics
  /// Student's t with n - 1 degrees of freedom; nil of fewer than two pairs, and where all differences are the same.
  public let t: Test?
  /// Student's 95 % interval of the mean difference, under the same conditions.
  public let interval: ClosedRange<Double>?
  /// The smaller sum of ranks of one sign, among pairs that differ; nil where none does.
  ///
  /// Exact up to 50 pairs, ties included (every assignment of signs to the ranks as they are counts); beyond, the normal
  /// approximation with its correction for ties.
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

  /// The chance that Student's t is further from 0 than this.
  private static func chance(ofBeyond t: Double, freedom: Double) -> Double {
    incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5)
  }

  private static func studentInterval(_ differences: Statistics) -> ClosedRange<Double>? {
    guard let mean = differences.mean, let deviation = differences.standardDeviation, deviation > 0 else { return nil }
    // The t that chance passes in 5 of 100 cases, by bisection; at one degree of freedom it is 12.7.
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
    // Twice the ranks, so that the mean rank of ties is whole.
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

  /// The chance that signs drawn at random give a sum as far from the middle.
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
    // Of doubled ranks r: a sum of independent r / 2 ± r / 2, so its mean is half the total and its variance Σ r² / 4.
    let mean = Double(ranks.reduce(0, +)) / 2
    let deviation = (ranks.reduce(0) { $0 + Double($1 * $1) } / 4).squareRoot()
    return erfc((mean - Double(smaller)) / deviation / 2.0.squareRoot())
  }
}

/// The regularized incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22, Lentz's method).
private func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
  guard x > 0, x < 1 else { return x <= 0 ? 0 : 1 }
  // The fraction converges fast on this side; I_x(a, b) = 1 - I_{1-x}(b, a) leads there.
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
