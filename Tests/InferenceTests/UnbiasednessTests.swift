import Inference
import Layers
import Tensors
import TestKit
import Testing

/// An estimator in a setting of its own, made for a toy.
enum Contender: String, CaseIterable, Sendable {
  case reinforce, reinforceWithoutBaseline
  case nvil, nvilCentered, nvilOfWholeCosts, nvilWithoutBaseline
  case rebar, rebarHotter, rebarUncentered
  case vimcoGeometric, vimcoArithmetic

  static let particles = 2
  var isVIMCO: Bool { self == .vimcoGeometric || self == .vimcoArithmetic }

  func estimator(for model: any ToyModel) -> any Estimator {
    switch self {
    case .reinforce: return Reinforce()
    case .reinforceWithoutBaseline:
      var config = Reinforce.Config()
      config.baseline = .none
      return Reinforce(config)
    case .nvil: return NVIL.toy(baselineSpread: 0.8, shape: model.contextShape)
    case .nvilCentered: return NVIL.toy(baselineSpread: 0.8, shape: model.contextShape) { $0.centering = true }
    case .nvilOfWholeCosts: return NVIL.toy(baselineSpread: 0.8, shape: model.contextShape) { $0.costsToGo = false }
    case .nvilWithoutBaseline:
      return NVIL.toy(baselineSpread: 0, shape: model.contextShape) { $0.learnedBaseline = false }
    case .rebar: return REBAR.toy(model.contextShape) { $0.eta = 0.7 }
    case .rebarHotter:
      return REBAR.toy(model.contextShape) {
        ($0.eta, $0.temperature, $0.categoryTemperature) = (1.3, Schedule(1.5), Schedule(0.8))
      }
    case .rebarUncentered: return REBAR.toy(model.contextShape) { $0.centering = false }
    case .vimcoGeometric, .vimcoArithmetic:
      var config = VIMCO.Config()
      config.samples = Self.particles
      config.leaveOneOut = self == .vimcoArithmetic ? .arithmetic : .geometric
      return VIMCO(config)
    }
  }

  /// The gradient that it estimates: of the bound, or of its own.
  func gradient(_ toy: Toy) -> [Double] { isVIMCO ? toy.importanceGradient(samples: Self.particles) : toy.gradient }
}

/// The gradients of estimators against enumerated ones: a z-test of all coordinates over 20,000 draws of the discrete nodes,
/// at 0.1 % together. `UnbiasednessFaultTests` shows that the test sees what can be wrong.
@Suite struct UnbiasednessTests {
  static let draws = 20_000

  @Test(arguments: Toy.allCases, Contender.allCases)
  func gradientIsTheEnumeratedOne(_ toy: Toy, _ contender: Contender) throws {
    let model = toy.model(rows: Self.draws)
    let estimator = contender.estimator(for: model)
    // Running means are those of earlier steps.
    let other = toy.model(rows: 8)
    _ = estimator.estimate(other, other.images, at: 0, noise: EstimatorNoise(RandomStream(seed: 7)))
    let estimate = estimator.estimate(model, model.images, at: 0, noise: EstimatorNoise(RandomStream(seed: 0)))
    let verdict = Self.verdict(
      model.gradientRows(of: estimate.loss * Float(Self.draws)), expecting: contender.gradient(toy))
    #expect(verdict.isUnbiased, "\(verdict)")
    // Toys without presences have no use for three of their numbers; coupling 1 of presences multiplies nothing.
    #expect(verdict.tested >= toy.values.count - 3)
  }

  /// Tests rows of gradients.
  static func verdict(_ rows: [[Float]], expecting expected: [Double]) -> MeanTest.Verdict {
    var test = MeanTest(coordinates: expected.count)
    for row in rows { test.add(row) }
    return test.verdict(expecting: expected, tolerance: 2e-5)
  }

  @Test(arguments: Toy.allCases) func probabilitiesOfTheOracleSumToOne(_ toy: Toy) {
    expectClose(toy.outcomes(toy.values).reduce(0) { $0 + $1.probability }, 1, relative: 1e-12)
  }

  @Test func theOraclesOfPresencesAgree() {
    for (own, other) in zip(Toy.presences.gradient, ToyOracle.gradient()) { expectClose(own, other, absolute: 1e-7) }
  }
}

extension NVIL {
  /// NVIL with a small baseline whose weights are arbitrary normals (0: a baseline that is zero).
  static func toy(
    baselineSpread: Float, seed: Int = 0, shape: ContextShape = ToyScene(rows: 1).contextShape,
    _ change: (inout Config) -> Void = { _ in }
  ) -> NVIL {
    var config = Config()
    config.baseline.hidden = 5
    config.baseline.layers = [6]
    change(&config)
    let random = RandomStream(seed: seed)
    let estimator = NVIL(config, EstimatorContext(shape: shape, random: random))
    for parameter in estimator.store.parameters {
      parameter.assign(random.child(parameter.name).normals(parameter.shape).scaled(by: baselineSpread))
    }
    return estimator
  }
}

extension REBAR {
  /// REBAR with a fixed scale.
  static func toy(_ shape: ContextShape, _ change: (inout Config) -> Void = { _ in }) -> REBAR {
    var config = Config()
    config.learnEta = false
    change(&config)
    return REBAR(config, EstimatorContext(shape: shape, random: RandomStream(seed: 0)))
  }
}
