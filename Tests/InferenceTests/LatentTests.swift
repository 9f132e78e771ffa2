import Glibc
import Layers
import Tensors
import TestKit
import Testing

@testable import Inference

@Suite struct LatentTests {
  private static let cases: [(logit: Double, prior: Double)] = [(0.3, -1.2), (-2, 1), (4, -4.6), (0, 0), (-5, -20)]

  private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  private func hard(_ logits: [Float], prior: Double, samples: [Float]) -> BernoulliLatent {
    BernoulliLatent(
      logits: Tensor(shape: [logits.count], logits), priorLogOdds: Tensor(Float(prior)),
      sample: Tensor(shape: [samples.count], samples))
  }

  /// A relaxed latent at given points y in logit space.
  private func relaxed(_ logit: Double, prior: Double, y: [Double], _ relaxation: Relaxation) -> BernoulliLatent {
    let points = Tensor(shape: [y.count], y.map(Float.init))
    return BernoulliLatent(
      logits: Tensor(repeating: Float(logit), shape: [y.count]), priorLogOdds: Tensor(Float(prior)),
      sample: points.sigmoid(),
      relaxed: RelaxedBernoulli(y: points, relaxation: relaxation))
  }

  private func relaxation(_ temperature: Float, prior: Float, _ kl: Relaxation.KL) -> Relaxation {
    Relaxation(.init(posterior: temperature, prior: prior), kl: kl)
  }

  /// p log(p / p0) + (1 - p) log((1 - p) / (1 - p0)).
  private func bernoulliKL(_ logit: Double, _ prior: Double) -> Double {
    let (p, p0) = (sigmoid(logit), sigmoid(prior))
    return p * log(p / p0) + (1 - p) * log((1 - p) / (1 - p0))
  }

  @Test func logProbabilityIsThatOfTheSample() {
    let logits: [Float] = [0.5, 0.5, -3, -3, 40, -40]
    let latent = hard(logits, prior: 0, samples: [1, 0, 1, 0, 0, 1])
    let expected = [sigmoid(0.5), sigmoid(-0.5), sigmoid(-3), sigmoid(3)].map { Float(log($0)) } + [-40, -40]
    expectClose(latent.logProbability(), expected)
    #expect(abs(latent.logProbability().exp().array()[0..<2].reduce(0, +) - 1) < 1e-6)
  }

  @Test(arguments: cases)
  func closedFormKLIsTheSumOverOutcomes(logit: Double, prior: Double) {
    let latent = hard([Float(logit)], prior: prior, samples: [1])
    expectClose(Double(latent.kl().scalar), bernoulliKL(logit, prior), absolute: 1e-5, relative: 1e-5)
  }

  @Test func closedFormKLIsFiniteAtExtremeLogits() {
    let kl = hard([-60, 60, 60, -60], prior: -20, samples: [0, 1, 1, 0]).kl().array()
    expectClose(kl, [0, 20, 20, 0], absolute: 1e-5)
  }

  @Test(arguments: cases)
  func categoricalKLOfARelaxedNodeIsTheClosedForm(logit: Double, prior: Double) {
    let latent = relaxed(logit, prior: prior, y: [-1, 0.5], relaxation(0.5, prior: 1, .categorical))
    let closed = Float(bernoulliKL(logit, prior))
    expectClose(latent.kl(), [closed, closed], absolute: 1e-5)
  }

  @Test(arguments: cases)
  func softKLWeighsLogRatiosWithTheSample(logit: Double, prior: Double) {
    let y = [-3, -0.4, 0, 1.7]
    let latent = relaxed(logit, prior: prior, y: y, relaxation(0.5, prior: 1, .soft))
    let (p, p0) = (sigmoid(logit), sigmoid(prior))
    let expected = y.map { y -> Float in
      let z = sigmoid(y)
      return Float(z * log(p / p0) + (1 - z) * log((1 - p) / (1 - p0)))
    }
    expectClose(latent.kl(), expected, absolute: 1e-5)
  }

  /// y = (a + logistic) / tau has the density tau s(x) (1 - s(x)), x = tau y - a.
  @Test(arguments: cases, [(0.5, 0.5), (0.66, 0.5), (2, 1)])
  func densityKLHasTheExpectationOfTheRelaxedDensities(
    point: (logit: Double, prior: Double), temperatures: (posterior: Double, prior: Double)
  ) {
    let (tau, priorTau) = temperatures
    // Equal shares of the posterior's probability: the mean over them is the expectation under it.
    let count = 20_000
    let shares = (0..<count).map { (Double($0) + 0.5) / Double(count) }
    let y = shares.map { (point.logit + log($0 / (1 - $0))) / tau }
    let kl = relaxed(point.logit, prior: point.prior, y: y, relaxation(Float(tau), prior: Float(priorTau), .density))
      .kl()
    let mean = kl.array().reduce(0) { $0 + Double($1) } / Double(count)
    #expect(abs(mean - integral(point, temperatures)) < 2e-3 * max(1, abs(mean)))
  }

  /// The integral of q log(q / p) over y, by the trapezoidal rule.
  private func integral(
    _ point: (logit: Double, prior: Double), _ temperatures: (posterior: Double, prior: Double)
  ) -> Double {
    func density(_ y: Double, _ location: Double, _ tau: Double) -> Double {
      let x = tau * y - location
      return tau * sigmoid(x) * sigmoid(-x)
    }
    let width = 40 / temperatures.posterior
    let center = point.logit / temperatures.posterior
    let count = 40_000
    return (0...count).reduce(0) { sum, index in
      let y = center + width * (2 * Double(index) / Double(count) - 1)
      let (q, p) = (density(y, point.logit, temperatures.posterior), density(y, point.prior, temperatures.prior))
      return sum + q * log(q / p) * 2 * width / Double(count)
    }
  }

  @Test func densityKLVanishesWherePosteriorIsPrior() {
    let latent = relaxed(-1.3, prior: -1.3, y: [-4, 0, 2.5], relaxation(0.7, prior: 0.7, .density))
    expectClose(latent.kl(), [0, 0, 0], absolute: 1e-6)
  }

  @Test(arguments: [[0.3, 0.8, -0.5, 1.5], [0, 1, 0, 1], [2, 0.1, 1, 0.5]])
  func normalKLIsTheIntegralOfTheLogRatio(numbers: [Double]) {
    let (m, s, m0, s0) = (numbers[0], numbers[1], numbers[2], numbers[3])
    func row(_ value: Double) -> Tensor { Tensor(shape: [1, 2], [Float(value), Float(value)]) }
    let latent = NormalLatent(
      mean: row(m), deviation: row(s), priorMean: row(m0), priorDeviation: row(s0), sample: row(0))
    let count = 20_000
    let one = (0...count).reduce(0.0) { sum, index in
      let x = m + 12 * s * (2 * Double(index) / Double(count) - 1)
      let (a, b) = ((x - m) / s, (x - m0) / s0)
      let density = exp(-a * a / 2) / (s * (2 * Double.pi).squareRoot())
      return sum + density * (b * b / 2 - a * a / 2 + log(s0 / s)) * 24 * s / Double(count)
    }
    // Two equal latents: their KLs add.
    expectClose(Double(latent.kl().scalar), 2 * one, absolute: 1e-5, relative: 1e-5)
  }
}
