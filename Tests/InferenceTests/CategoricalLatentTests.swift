import Foundation
import Layers
import Tensors
import TestKit
import Testing

@testable import Inference

struct CategoricalLatentTests {
  private static let logits: [[Double]] = [[0.3, -1.2, 2], [0, 0, 0], [12, -8, 3]]

  private func tensor(_ rows: [[Double]]) -> Tensor {
    Tensor(shape: [rows.count, rows[0].count], rows.flatMap { $0.map(Float.init) })
  }

  private func probabilities(_ logits: [Double]) -> [Double] {
    let total = logits.reduce(0) { $0 + exp($1) }
    return logits.map { exp($0) / total }
  }

  private func draw(_ discrete: Draw.Discrete, seed: Int = 3) -> Draw {
    Draw(discrete, noise: RandomStream(seed: seed), progress: .step(0))
  }

  @Test func logProbabilityIsThatOfTheOutcome() {
    let latent = CategoricalLatent(
      logits: tensor(Self.logits), sample: tensor([[0, 0, 1], [1, 0, 0], [0, 1, 0]]))
    let outcomes = [2, 0, 1]
    let expected = zip(Self.logits, outcomes).map { Float(log(probabilities($0)[$1])) }
    expectClose(latent.logProbability(), expected, absolute: 1e-5)
  }

  @Test func closedFormKLIsTheSumOverOutcomes() {
    let latent = CategoricalLatent(logits: tensor(Self.logits), sample: .zeros([3, 3]))
    let expected = Self.logits.map { logits in
      Float(probabilities(logits).reduce(0) { $0 + $1 * log($1 * 3) })
    }
    expectClose(latent.kl(), expected, absolute: 1e-5)
  }

  /// A latent at a given point of the simplex.
  private func relaxed(_ logits: [[Double]], at weights: [[Double]], _ relaxation: Relaxation) -> CategoricalLatent {
    let y = tensor(weights.map { $0.map { log($0) } })
    return CategoricalLatent(
      logits: tensor(logits), sample: y.exp(), relaxed: RelaxedCategorical(y: y, relaxation: relaxation))
  }

  @Test func softKLWeighsLogRatiosWithTheSample() {
    let weights = [[0.2, 0.3, 0.5], [0.9, 0.05, 0.05], [0.1, 0.1, 0.8]]
    let latent = relaxed(Self.logits, at: weights, Relaxation(.init(posterior: 0.5, prior: 1), kl: .soft))
    let expected = zip(Self.logits, weights).map { logits, weights in
      Float(zip(weights, probabilities(logits)).reduce(0) { $0 + $1.0 * log($1.1 * 3) })
    }
    expectClose(latent.kl(), expected, absolute: 1e-5)
  }

  /// With two outcomes the relaxation is the Bernoulli one: y_1 - y_0 is its sample in logit space, and its density there
  /// differs by no more than a factor that does not depend on the temperature.
  @Test(arguments: [(Float(0.5), Float(0.5)), (0.66, 0.5), (2, 1)])
  func densityKLOfTwoOutcomesIsThatOfABernoulli(temperature: Float, priorTemperature: Float) {
    let relaxation = Relaxation(.init(posterior: temperature, prior: priorTemperature), kl: .density)
    let weights = [[0.2, 0.8], [0.97, 0.03], [0.5, 0.5]]
    let logits = [[0.4, -0.3], [2, -1], [0, 0.7]]
    let found = relaxed(logits, at: weights, relaxation).kl()
    let points = Tensor(shape: [3], weights.map { Float(log($0[1] / $0[0])) })
    let bernoulli = BernoulliLatent(
      logits: Tensor(shape: [3], logits.map { Float($0[1] - $0[0]) }), priorLogOdds: Tensor(0),
      sample: points.sigmoid(),
      relaxed: RelaxedBernoulli(y: points, relaxation: relaxation))
    expectClose(found, bernoulli.kl().array(), absolute: 1e-5)
  }

  /// The relaxed density in logit space, integrated over the two free coordinates of three outcomes.
  @Test func densityKLOfEqualTemperaturesAveragesToThatOfTheDensities() {
    let relaxation = Relaxation(.init(posterior: 0.8, prior: 0.8), kl: .density)
    let logits = Tensor(shape: [3], [0.5, -0.5, 0.2]).repeated(rows: 40_000)
    let latent = draw(.relaxed(relaxation)).categorical("category", step: 0, logits: logits)
    let kl = latent.kl().array().map(Double.init)
    let mean = kl.reduce(0, +) / Double(kl.count)
    let spread = (kl.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(kl.count * kl.count)).squareRoot()
    // A KL is not negative, and that of the relaxed variables does not exceed that of the Gumbel variables below them,
    // which for the same scale is sum_k (e^-d_k - 1 + d_k), d the distance of the locations up to their common shift.
    let shares = probabilities([0.5, -0.5, 0.2])
    let distances = shares.map { log($0 * 3) }
    let bound = distances.reduce(0) { $0 + exp(-$1) - 1 + $1 }
    #expect(mean > 3 * spread && mean < bound + 3 * spread, "\(mean) ± \(spread), bound \(bound)")
  }

  @Test func hardSamplesComeAsOftenAsTheirProbabilities() {
    let logits = Tensor(shape: [3], [0.3, -1.2, 1]).repeated(rows: 20_000)
    let counts = draw(.sampled).categorical("category", step: 1, logits: logits).sample.array()
    for (k, p) in probabilities([0.3, -1.2, 1]).enumerated() {
      let share = stride(from: k, to: counts.count, by: 3).reduce(0) { $0 + Double(counts[$1]) } / 20_000
      // Four standard errors.
      #expect(abs(share - p) < 4 * (p * (1 - p) / 20_000).squareRoot())
    }
    let prior = draw(.prior(objects: nil)).categorical("category", step: 1, logits: logits).sample
    let ones = prior.columns(2..<3).sum().scalar / 20_000
    #expect(abs(ones - 1 / 3) < 0.014)
  }

  @Test func relaxedSamplesLieInTheSimplexAndHardenWithTheTemperature() {
    let logits = Tensor.normals([50, 4])
    let hard = draw(.sampled).categorical("category", step: 0, logits: logits).sample
    func sample(_ temperature: Float, through: Bool = false) -> Tensor {
      let relaxation = Relaxation(.init(posterior: temperature, prior: 1), isStraightThrough: through)
      return draw(.relaxed(relaxation)).categorical("category", step: 0, logits: logits).sample
    }
    expectClose(sample(1).rowSums(), [Float](repeating: 1, count: 50), absolute: 1e-5)
    expectClose(sample(1e-4), hard, absolute: 1e-3)
    #expect(sample(1, through: true).array() == hard.array())
    #expect(
      draw(.mode).categorical("category", step: 0, logits: logits).sample.array() == logits.oneHotOfLargest().array())
  }

  @Test(arguments: Relaxation.KL.allCases)
  func gradientsOfSampleAndKLMatchFiniteDifferences(kl: Relaxation.KL) {
    let relaxation = Relaxation(.init(posterior: 0.7, prior: 0.5), kl: kl)
    for discrete in [Draw.Discrete.relaxed(relaxation), .marginal(others: relaxation)] {
      expectGradient(
        of: {
          let latent = draw(discrete).categorical("category", step: 0, logits: $0)
          return (latent.sample * .normals([4, 3], seed: 8)).rowSums() + latent.kl()
        }, at: .normals([4, 3]), absolute: 2e-3)
    }
  }
}
