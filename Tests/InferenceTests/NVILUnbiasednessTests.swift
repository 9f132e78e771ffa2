import Inference
import Layers
import Tensors
import TestKit
import Testing

/// The score function's gradient against the enumerated one: a z-test of all coordinates over 20,000 draws of the presences,
/// at 0.1 % together, and the same test on estimators that are wrong on purpose.
@Suite struct NVILUnbiasednessTests {
  private static let draws = 20_000
  private let model = ToyScene(rows: NVILUnbiasednessTests.draws)
  private let noise = EstimatorNoise(RandomStream(seed: 0))

  /// Tests per-row gradients against the oracle's.
  private func verdict(of objective: Tensor) -> (verdict: MeanTest.Verdict, variance: Double) {
    let expected = ToyOracle.gradient()
    var test = MeanTest(coordinates: expected.count)
    for row in model.gradientRows(of: objective) { test.add(row) }
    return (test.verdict(expecting: expected, tolerance: 2e-5), test.totalVariance)
  }

  /// NVIL's objective with one value a row; its loss is the mean over rows.
  private func objective(_ estimator: NVIL) throws -> Tensor {
    let estimate = estimator.estimate(model, model.images, at: 0, noise: noise)
    return try #require(estimate.losses.first { $0.name == "objective" }).value * Float(model.rows)
  }

  @Test func gradientIsUnbiasedUnderAnArbitraryBaseline() throws {
    let (verdict, _) = verdict(of: try objective(.toy(baselineSpread: 0.8)))
    #expect(verdict.isUnbiased, "\(verdict)")
    // Coupling 1 multiplies nothing; all others vary.
    #expect(verdict.tested == ToyScene.values.count - 1)
  }

  @Test func gradientIsUnbiasedWithCenteringOnEarlierSteps() throws {
    let estimator = NVIL.toy(baselineSpread: 0.8) { $0.centering = true }
    let other = ToyScene(rows: 8)
    _ = estimator.estimate(other, other.images, at: 0, noise: EstimatorNoise(RandomStream(seed: 7)))
    #expect(estimator.statistics[0].tensor.array().contains { abs($0) > 1 })
    let (verdict, _) = verdict(of: try objective(estimator))
    #expect(verdict.isUnbiased, "\(verdict)")
  }

  @Test func testAcceptsASurrogateWithoutFaults() {
    let (verdict, _) = verdict(of: surrogate(.none))
    #expect(verdict.isUnbiased, "\(verdict)")
  }

  @Test(arguments: [
    Fault.baselineSeesTheSample, .deadPresencesScoredAsAbsent, .costsOfDeadStepsCounted, .centeredOnItsOwnBatch,
    .costIsIncomplete,
  ])
  func testCatches(fault: Fault) {
    let (verdict, _) = verdict(of: surrogate(fault))
    #expect(!verdict.isUnbiased, "\(fault): \(verdict)")
    #expect(verdict.largest > 2 * verdict.bound, "\(fault): \(verdict)")
  }

  /// A presence that is drawn after the last object is unused, and the score of an unused sample has mean zero: no test of
  /// the mean can miss its mask. The mask takes away variance; `NVILTests.deadStepsGetNoScore` holds NVIL to it.
  @Test func scoresOfUnusedSamplesAddVarianceAndNoBias() {
    let (masked, maskedVariance) = verdict(of: surrogate(.none))
    let (unmasked, variance) = verdict(of: surrogate(.unusedSamplesScored))
    #expect(masked.isUnbiased && unmasked.isUnbiased)
    #expect(variance > 1.05 * maskedVariance)
  }

  /// What can be wrong with a score function.
  enum Fault {
    case none
    /// The baseline of a decision depends on that decision.
    case baselineSeesTheSample
    /// Without its mask, a step after the last object scores the absence that it was forced into.
    case deadPresencesScoredAsAbsent
    /// Without its mask, the score of a sample that nothing depends on stays.
    case unusedSamplesScored
    /// Without their masks, the KLs of steps that do not exist enter the signal.
    case costsOfDeadStepsCounted
    /// The centering statistic is the mean of four rows, each of which is among them.
    case centeredOnItsOwnBatch
    /// The signal leaves out the windows' KLs.
    case costIsIncomplete
  }

  /// The objective [rows] put together from a pass, with one fault.
  private func surrogate(_ fault: Fault) -> Tensor {
    let pass = model.infer(model.images, drawing: Draw(.sampled, noise: noise.stream, progress: .step(0)))
    var objective = pass.negativeBound
    for (index, term) in pass.terms.enumerated() {
      guard case .bernoulli(let presence) = term.latent else { continue }
      let cost = pass.terms[(index + 1)...].reduce(-pass.logLikelihood.detached()) { sum, later in
        switch (fault, later.latent) {
        case (.costsOfDeadStepsCounted, .normal(let latent)): sum + latent.kl().detached()
        case (.costIsIncomplete, .normal): sum
        default: sum + later.weightedKL.detached()
        }
      }
      let reference = Tensor(repeating: 4 - Float(term.step), shape: cost.shape)
      let baseline =
        switch fault {
        case .baselineSeesTheSample: reference + presence.sample.scaled(by: 0.5)
        case .centeredOnItsOwnBatch: meanOfFours(cost)
        default: reference
        }
      var mask = term.mask.detached()
      var score = presence.logProbability()
      if fault == .unusedSamplesScored { mask = .ones(mask.shape) }
      if fault == .deadPresencesScoredAsAbsent {
        let alive = mask * presence.sample
        score = (alive.scaled(by: 2, plus: -1) * presence.logits).logSigmoid()
        mask = .ones(mask.shape)
      }
      objective = objective + mask * (cost - baseline) * score
    }
    return objective
  }

  /// Every value replaced by the mean of its group of four.
  private func meanOfFours(_ values: Tensor) -> Tensor {
    let means = values.reshaped([values.count / 4, 4]).rowSums().scaled(by: 0.25).array()
    return Tensor(shape: values.shape, (0..<values.count).map { means[$0 / 4] })
  }
}

extension NVIL {
  /// NVIL for the toy scene with a small baseline whose weights are arbitrary normals (0: a baseline that is zero).
  static func toy(baselineSpread: Float, seed: Int = 0, _ change: (inout Config) -> Void = { _ in }) -> NVIL {
    var config = Config()
    config.baseline.hidden = 5
    config.baseline.layers = [6]
    change(&config)
    let random = RandomStream(seed: seed)
    let shape = ContextShape(steps: ToyScene.steps, pixels: 4, fed: 1, discreteNodes: ["presence"])
    let estimator = NVIL(config, EstimatorContext(shape: shape, random: random))
    for parameter in estimator.store.parameters {
      parameter.assign(random.child(parameter.name).normals(parameter.shape).scaled(by: baselineSpread))
    }
    return estimator
  }
}
