import Configuration
import Glibc
import Layers

/// A prior on the number of objects, expressed as the log-odds of presence at each step.
public protocol CountPrior: Sendable {
  /// Log-odds of presence at steps 1 to `steps`, given that all earlier ones are present.
  func logOdds(steps: Int, at progress: Progress) -> [Double]
}

/// All count priors, one entry each.
let countPriors = Registry<Void, any CountPrior>(
  "count prior",
  [
    .entry("truncated_geometric", "P(n) proportional to k^n, n = 0 ... steps", defaults: TruncatedGeometric()) {
      prior, _ in prior
    },
    .entry("geometric", "every step goes on with the same probability", defaults: Geometric()) { prior, _ in prior },
  ])

/// P(n) proportional to ratio^n for n = 0 ... steps: the geometric prior of Eslami et al. 2016, truncated as in later
/// implementations.
struct TruncatedGeometric: CountPrior, Configurable {
  var ratio = Schedule(.exponential, from: 1e-2, to: 1e-9, begin: 1000, end: 6000)

  static let fields: [Field<TruncatedGeometric>] = [
    .schedule("ratio", \.ratio, in: 1e-30...0.999999, "k: how much less likely each further object is")
  ]

  /// sum_(n > t) k^n / k^t = k (1 - k^(T - t)) / (1 - k).
  func logOdds(steps: Int, at progress: Progress) -> [Double] {
    let k = ratio.value(at: progress)
    return (0..<steps).map { step in log(k) + log1p(-pow(k, Double(steps - step))) - log1p(-k) }
  }
}

/// P(n) = success^n (1 - success), truncated at the last step.  Kosiorek 2017, eq. (2).
struct Geometric: CountPrior, Configurable {
  var success = Schedule(.exponential, from: 0.5, to: 1e-5, begin: 0, end: 100_000)

  static let fields: [Field<Geometric>] = [
    .schedule("success", \.success, in: 1e-30...0.999999, "probability of one more object")
  ]

  func logOdds(steps: Int, at progress: Progress) -> [Double] {
    let success = success.value(at: progress)
    return Array(repeating: log(success) - log1p(-success), count: steps)
  }
}
