import Inference
import Layers
import Tensors
import TestKit
import Testing

@testable import Models

/// Estimators on whole models against the exact gradient on the same continuous noise: 20,000 draws of the discrete nodes,
/// all coordinates of all parameters, 0.1 % together. A draw of the test is the mean over a batch of eight images.
@Suite struct UnbiasednessTests {
  private static let batch = 8
  private static let draws = 20_000
  private let images = Tiny.images(UnbiasednessTests.batch)
  private let noise = RandomStream(seed: 0)

  private func verdict(
    _ model: RecurrentSceneModel, against exact: any Estimator, draws: Int = UnbiasednessTests.draws,
    _ objective: (_ images: Tensor, _ discrete: RandomStream) throws -> Tensor
  ) throws -> MeanTest.Verdict {
    let parameters = model.store.parameters
    let loss = exact.estimate(model, images, at: 0, noise: EstimatorNoise(noise)).loss
    let expected = gradients(of: loss, for: parameters).flatMap { $0.array().map(Double.init) }
    var test = MeanTest(coordinates: expected.count)
    for number in 0..<draws / Self.batch {
      let loss = try objective(images, RandomStream(seed: 0).child("discrete").at(number))
      test.add(gradients(of: loss, for: parameters).flatMap { $0.array() })
    }
    let largest = expected.map(abs).max() ?? 0
    return test.verdict(expecting: expected, tolerance: 1e-5 * largest)
  }

  private func context(_ model: RecurrentSceneModel) -> EstimatorContext {
    EstimatorContext(shape: model.contextShape, random: RandomStream(seed: 2))
  }

  /// With an arbitrary baseline.
  private func nvil(_ model: RecurrentSceneModel, _ change: (inout NVIL.Config) -> Void = { _ in }) -> NVIL {
    var config = NVIL.Config()
    config.baseline.hidden = 4
    config.baseline.layers = [5]
    change(&config)
    let estimator = NVIL(config, context(model))
    for parameter in estimator.store.parameters {
      parameter.assign(RandomStream(seed: 2).child(parameter.name).normals(parameter.shape))
    }
    return estimator
  }

  /// With a fixed scale.
  private func rebar(_ model: RecurrentSceneModel) -> REBAR {
    var config = REBAR.Config()
    (config.eta, config.learnEta) = (0.8, false)
    return REBAR(config, context(model))
  }

  private func objective(
    _ estimator: any Estimator, _ model: RecurrentSceneModel, _ images: Tensor, _ discrete: RandomStream
  )
    -> Tensor
  {
    estimator.estimate(model, images, at: 0, noise: EstimatorNoise(noise, discrete: discrete)).loss
  }

  @Test(arguments: [Combination.chosen[0], Combination.chosen[1]])
  func nvilIsUnbiasedUnderAnArbitraryBaseline(_ combination: Combination) throws {
    let model = try Tiny.model(combination.config)
    let estimator = nvil(model)
    let verdict = try verdict(model, against: Marginal()) { objective(estimator, model, $0, $1) }
    #expect(verdict.isUnbiased, "\(verdict)")
    #expect(verdict.tested > model.store.count * 9 / 10)
  }

  @Test func nvilIsUnbiasedWithCentering() throws {
    let model = try Tiny.model(Tiny.config())
    let estimator = nvil(model) { $0.centering = true }
    let verdict = try verdict(model, against: Marginal()) { objective(estimator, model, $0, $1) }
    #expect(verdict.isUnbiased, "\(verdict)")
  }

  @Test func rebarIsUnbiasedOnPresences() throws {
    let model = try Tiny.model(Tiny.config())
    let estimator = rebar(model)
    let verdict = try verdict(model, against: Marginal()) { objective(estimator, model, $0, $1) }
    #expect(verdict.isUnbiased && verdict.tested > model.store.count * 9 / 10, "\(verdict)")
  }

  /// Two steps of three categories behind presences: thirteen outcomes.
  @Test func rebarAndReinforceAreUnbiasedOnCategories() throws {
    let model = try Tiny.model(
      Tiny.config(.discreteAIR) {
        Tiny.categorize(&$0)
        $0.steps = 2
      })
    for estimator in [rebar(model), Reinforce()] as [any Estimator] {
      let verdict = try verdict(model, against: try Enumeration(Enumeration.Config(), context(model))) {
        objective(estimator, model, $0, $1)
      }
      #expect(verdict.isUnbiased && verdict.tested > model.store.count / 2, "\(type(of: estimator)): \(verdict)")
    }
  }

  @Test(arguments: [true, false])
  func testCatchesABaselineThatSeesTheSampleAndAMissingMask(isMasked: Bool) throws {
    let model = try Tiny.model(Tiny.config())
    let verdict = try verdict(model, against: Marginal()) { images, discrete in
      let pass = model.infer(
        images, drawing: Draw(.sampled, noise: noise, discreteNoise: discrete, progress: .step(0)))
      return wrongSurrogate(pass, isMasked: isMasked).mean()
    }
    #expect(!verdict.isUnbiased && verdict.largest > 2 * verdict.bound, "\(verdict)")
  }

  /// Masked: the baseline rises with the sample. Unmasked: steps after the last object score the absence they are forced into.
  private func wrongSurrogate(_ pass: Pass, isMasked: Bool) -> Tensor {
    var objective = pass.negativeBound
    let cost = pass.negativeBound.detached()
    for term in pass.terms {
      guard case .bernoulli(let presence) = term.latent else { continue }
      let mask = term.mask.detached()
      let alive = mask * presence.sample
      let score = (alive.scaled(by: 2, plus: -1) * presence.logits).logSigmoid()
      let baseline =
        Tensor(repeating: 40, shape: cost.shape) + (isMasked ? presence.sample.scaled(by: 5) : .zeros(cost.shape))
      objective = objective + (isMasked ? mask : .ones(mask.shape)) * (cost - baseline) * score
    }
    return objective
  }
}
