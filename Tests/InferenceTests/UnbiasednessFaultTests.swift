import Layers
import Tensors
import TestKit
import Testing

@testable import Inference

/// The z-test of `UnbiasednessTests` on estimators that are put together here: it accepts those that are right, and sees everything
/// that is made wrong on purpose.
@Suite struct UnbiasednessFaultTests {
  private static let draws = UnbiasednessTests.draws

  /// The pass of all rows, on one noise.
  private static func pass(_ model: any ToyModel, _ rows: Tensor, copies: Int = 1) -> Pass {
    model.infer(rows, drawing: Draw(.sampled, noise: RandomStream(seed: 0), progress: .step(0), copies: copies))
  }

  // MARK: Score functions

  @Test(arguments: Toy.allCases) func aScoreFunctionWithoutFaultsIsAccepted(_ toy: Toy) {
    #expect(score(toy, nil).verdict.isUnbiased)
  }

  @Test(arguments: Toy.allCases, ScoreFault.allCases) func faultsOfScoreFunctionsAreCaught(
    _ toy: Toy, _ fault: ScoreFault
  ) {
    guard toy.isMasked || !fault.isAboutMasks else { return }
    let verdict = score(toy, fault).verdict
    #expect(!verdict.isUnbiased, "\(verdict)")
  }

  /// A node that is drawn after the last object is unused, and the score of an unused sample has mean zero: no test of
  /// the mean can miss its mask. The mask takes away variance; `NVILTests.deadStepsGetNoScore` holds NVIL to it.
  @Test(arguments: [Toy.presences, .categories]) func scoresOfUnusedSamplesAddVarianceAndNoBias(_ toy: Toy) {
    let (masked, unmasked) = (score(toy, nil), score(toy, nil, isMasked: false))
    #expect(masked.verdict.isUnbiased && unmasked.verdict.isUnbiased)
    #expect(unmasked.variance > 1.02 * masked.variance)
  }

  /// What can be wrong with a score function.
  enum ScoreFault: CaseIterable {
    /// The baseline of a decision depends on that decision.
    case baselineSeesTheSample
    /// Without its mask, a node after the last object scores an outcome that it is forced into.
    case deadNodesScored
    /// Without their masks, the KLs of steps that do not exist enter the signal.
    case costsOfDeadStepsCounted
    /// The centering statistic is the mean of four rows, each of which is among them.
    case centeredOnItsOwnBatch
    /// The signal leaves out all KLs.
    case costIsIncomplete

    var isAboutMasks: Bool { self == .deadNodesScored || self == .costsOfDeadStepsCounted }
  }

  private func score(_ toy: Toy, _ fault: ScoreFault?, isMasked: Bool = true) -> (
    verdict: MeanTest.Verdict, variance: Double
  ) {
    let model = toy.model(rows: Self.draws)
    let pass = Self.pass(model, model.images)
    var objective = pass.negativeBound
    for (index, term) in pass.terms.enumerated() where term.isDiscrete {
      let cost = pass.terms[(index + 1)...].reduce(-pass.logLikelihood.detached()) { sum, later in
        switch fault {
        case .costsOfDeadStepsCounted: sum + kl(later)
        case .costIsIncomplete: sum
        default: sum + later.weightedKL.detached()
        }
      }
      let reference = Tensor(repeating: 4 - Float(term.step), shape: cost.shape)
      let baseline =
        switch fault {
        case .baselineSeesTheSample: reference + first(term).scaled(by: 0.5)
        case .centeredOnItsOwnBatch: Self.meanOfFours(cost)
        default: reference
        }
      let mask = isMasked ? term.mask.detached() : Tensor.ones(cost.shape)
      objective =
        objective + (fault == .deadNodesScored ? forced(term) : mask * logProbability(term)) * (cost - baseline)
    }
    let rows = model.gradientRows(of: objective)
    var test = MeanTest(coordinates: toy.values.count)
    for row in rows { test.add(row) }
    return (test.verdict(expecting: toy.gradient, tolerance: 2e-5), test.totalVariance)
  }

  private func kl(_ term: Term) -> Tensor {
    switch term.latent {
    case .normal(let latent): latent.kl().detached()
    case .bernoulli(let latent): latent.kl().detached()
    case .categorical(let latent): latent.kl().detached()
    }
  }

  private func logProbability(_ term: Term) -> Tensor { term.logProbability() ?? .zeros(term.mask.shape) }

  /// Whether a presence is there, or the first category.
  private func first(_ term: Term) -> Tensor {
    switch term.latent {
    case .normal: .zeros(term.mask.shape)
    case .bernoulli(let latent): latent.sample
    case .categorical(let latent): latent.sample.columns(0..<1).reshaped(term.mask.shape)
    }
  }

  /// log q of the sample while the step is there, of absence or of the first category where it is not.
  private func forced(_ term: Term) -> Tensor {
    let mask = term.mask.detached()
    switch term.latent {
    case .normal: return .zeros(mask.shape)
    case .bernoulli(let latent):
      return ((mask * latent.sample).scaled(by: 2, plus: -1) * latent.logits).logSigmoid()
    case .categorical(let latent):
      let dead = 1 - mask
      return mask * latent.logProbability() + dead * latent.logits.logSoftmax().columns(0..<1).reshaped(mask.shape)
    }
  }

  /// Every value replaced by the mean of its group of four.
  private static func meanOfFours(_ values: Tensor) -> Tensor {
    let means = values.reshaped([values.count / 4, 4]).rowSums().scaled(by: 0.25).array()
    return Tensor(shape: values.shape, (0..<values.count).map { means[$0 / 4] })
  }

  // MARK: VIMCO

  /// What can be wrong with VIMCO.
  enum ParticleFault: CaseIterable {
    /// The stand-in of a particle's weight is a mean that it is part of.
    case baselineSeesTheParticle
    /// A baseline from the bounds of the same batch: the mean of four images, each of which is among them.
    case centeredOnItsOwnBatch
    /// Paths alone.
    case noScore
    /// Weights with analytic KLs in the place of log p - log q at the samples.
    case analyticKLs
    /// Without its mask, a node after the last object enters the weights.
    case deadNodesWeighed
  }

  @Test(arguments: Toy.allCases) func vimcoWithoutFaultsIsAccepted(_ toy: Toy) {
    #expect(particles(toy, nil).isUnbiased)
  }

  @Test(arguments: Toy.allCases, ParticleFault.allCases) func faultsOfVIMCOAreCaught(_ toy: Toy, _ fault: ParticleFault)
  {
    guard toy.isMasked || fault != .deadNodesWeighed else { return }
    let verdict = particles(toy, fault)
    #expect(!verdict.isUnbiased, "\(verdict)")
  }

  private func particles(_ toy: Toy, _ fault: ParticleFault?) -> MeanTest.Verdict {
    let model = toy.model(rows: Self.draws)
    let pass = Self.pass(model, model.images.repeatingRows(2), copies: 2)
    var weights = pass.logWeight
    if fault == .analyticKLs { weights = -pass.negativeBound }
    if fault == .deadNodesWeighed {
      weights = pass.terms.reduce(pass.logLikelihood) { $0 + ($1.isDiscrete ? $1.logRatio() : $1.mask * $1.logRatio()) }
    }
    let shape = [Self.draws, 2]
    weights = weights.reshaped(shape)
    let bound = weights.logSumExp().scaled(by: 1, plus: -0.6931472)
    // Two particles: the other one's weight stands for its own, so L - L_(-s) is L less the other's log-weight.
    let others = weights.detached().matrixProduct(Tensor(shape: [2, 2], [0, 1, 1, 0]))
    let whole = bound.detached().reshaped([Self.draws, 1])
    let signals =
      switch fault {
      case .baselineSeesTheParticle: whole - (others + weights.detached()).scaled(by: 0.5)
      case .centeredOnItsOwnBatch:
        Self.meanOfFours(bound.detached()).scaled(by: -1).reshaped([Self.draws, 1]) + whole + Tensor.zeros(shape)
      case .noScore: Tensor.zeros(shape)
      default: whole - others
      }
    let score = (signals * (pass.logProbability ?? .zeros(shape)).reshaped(shape)).rowSums()
    return UnbiasednessTests.verdict(
      model.gradientRows(of: -(bound + score)), expecting: toy.importanceGradient(samples: 2))
  }

  // MARK: REBAR

  /// What can be wrong with REBAR's control variate, whose mean must be zero.
  enum ControlFault: CaseIterable {
    /// The relaxed pass's cost alone, without the gradients that its score has on average.
    case noPath
    /// z~ is taken for independent of the logits given its noise.
    case unconditionalSlope
    /// z~ has the slope of z: the two relaxed passes' gradients cancel.
    case slopesOfTheSamePass
    /// The path lacks the mask that the score has; seen where dead decisions have a slope, because those before them are relaxed too.
    case missingMask
    /// Costs less their mean over four rows, each of which is among them.
    case centeredOnItsOwnBatch
  }

  @Test(arguments: Toy.allCases, [1, 0.6] as [Float])
  func aControlVariateWithoutFaultsHasMeanZero(_ toy: Toy, _ temperature: Float) {
    let verdict = control(toy, nil, temperature: temperature)
    #expect(verdict.isUnbiased && verdict.tested > 1, "\(verdict)")
  }

  @Test(arguments: Toy.allCases, ControlFault.allCases)
  func faultsOfControlVariatesAreCaught(_ toy: Toy, _ fault: ControlFault) {
    guard toy == .presences || fault != .missingMask else { return }
    let verdict = control(toy, fault, temperature: 1)
    #expect(!verdict.isUnbiased, "\(verdict)")
  }

  /// A control variate put together from its definition, z~ drawn from noise of its own given the sample: of all presences
  /// together, or of the last category.
  private func control(_ toy: Toy, _ fault: ControlFault?, temperature: Float) -> MeanTest.Verdict {
    let model = toy.model(rows: Self.draws)
    let pass = Self.pass(model, model.images)
    let discrete = pass.terms.filter(\.isDiscrete)
    let isJoint = toy == .presences || toy == .unmaskedPresences
    let decisions = isJoint ? discrete : Array(discrete.suffix(1))
    var given = NodeSamples()
    for term in discrete { given[term.node, term.step] = drawn(term).sample }
    /// Cost of the pass with the decisions relaxed at z, and its slopes.
    func relaxed(_ points: [Tensor]) -> (cost: Tensor, slopes: [Tensor]) {
      let points = points.map { Parameter("z", $0.detached()) }
      for (point, decision) in zip(points, decisions) {
        let soft = point.tensor.scaled(by: 1 / temperature)
        given[decision.node, decision.step] = point.shape.count == 1 ? soft.sigmoid() : soft.softmax()
      }
      let draw = Draw(.sampled, noise: RandomStream(seed: 0), progress: .step(0), given: given)
      let cost = model.store.frozen { model.infer(model.images, drawing: draw).negativeBound }
      return (cost.detached(), gradients(of: cost.sum(), for: points))
    }
    let values = decisions.map(drawn)
    let conditional = values.enumerated().map { index, value in
      self.conditional(value.logits, value.sample, RandomStream(seed: 5).at(index).uniforms(value.logits.shape))
    }
    let (atZ, atConditional) = (relaxed(values.map(\.noisy)), relaxed(conditional))
    func sum(_ values: Tensor) -> Tensor { values.shape.count == 1 ? values : values.rowSums() }
    let signal =
      fault == .centeredOnItsOwnBatch ? atConditional.cost - Self.meanOfFours(atConditional.cost) : atConditional.cost
    var objective = Tensor.zeros([Self.draws])
    for (index, decision) in decisions.enumerated() {
      let logits = values[index].logits
      var path = sum(atZ.slopes[index] * logits)
      switch fault {
      case .noPath: path = path * 0
      case .unconditionalSlope: break
      case .slopesOfTheSamePass: path = path - sum(atConditional.slopes[index] * logits)
      default: path = path - sum(atConditional.slopes[index] * conditional[index])
      }
      let mask = decision.mask.detached()
      objective = objective + (fault == .missingMask ? path : mask * path) - mask * signal * logProbability(decision)
    }
    return UnbiasednessTests.verdict(
      model.gradientRows(of: objective), expecting: Array(repeating: 0, count: toy.values.count))
  }

  private func drawn(_ term: Term) -> (logits: Tensor, sample: Tensor, noisy: Tensor) {
    switch term.latent {
    case .normal: (term.mask, term.mask, term.mask)
    case .bernoulli(let latent): (latent.logits, latent.sample, latent.noisyLogits ?? latent.logits.detached())
    case .categorical(let latent): (latent.logits, latent.sample, latent.noisyLogits ?? latent.logits.detached())
    }
  }

  /// z given the outcome, as a function of the logits and uniform noise.  Tucker et al. 2017, appendix B.
  private func conditional(_ logits: Tensor, _ sample: Tensor, _ v: Tensor) -> Tensor {
    if logits.shape.count == 1 {
      // log(v / ((1 - v) (1 - p)) + 1) for 1, -log(v / ((1 - v) p) + 1) for 0.
      let p = logits.sigmoid()
      let odds = v / (1 - v)
      let (one, zero) = ((odds / (1 - p) + 1).log(), -(odds / p + 1).log())
      return sample * one + (1 - sample) * zero
    }
    // -log(-log v_b) for the outcome b, -log(-log v_k / p_k - log v_b) for the others.
    let exponentials = -v.log()
    let own = (exponentials * sample).rowSums().reshaped([v.shape[0], 1])
    let others = -(exponentials / logits.softmax() + own).log()
    return sample * (-own.log()) + (1 - sample) * others
  }
}
