import Configuration
import Layers
import Tensors

/// The score function with a relaxation of the same decisions as its control variate: unbiased, of low variance.
/// Tucker et al. 2017; air-notes 5.5.
///
/// For a decision b = H(z), z = logit + noise, with cost f and the relaxed pass's cost c, the gradient is
///
///     (f(b) - eta c(z~)) grad log q(b) + eta grad [c(z) - c(z~)] + the gradient of f(b) along paths,
///
/// where z~ is drawn from q(z | b), grad [...] reaches the decision's own logits alone, and c is not differentiated with respect
/// to anything else: the two terms cancel on average. As in the paper's code (appendix B: common random numbers) the noise of z~ is the one
/// that gives z~ = z: it is uniform and independent of b, so nothing is biased, and the relaxed and the conditionally
/// relaxed pass have the same values. One pass serves as both; only the slopes of z and z~ differ (`slopeRatio`).
///
/// Presences influence no other decision, so all of them are relaxed together, the categories being what they are. The
/// logits after a category depend on it: c_i relaxes category i on its own, with earlier decisions as they are and later ones relaxed on their noise.
/// Dead decisions (mask 0) count in neither part. f and c are costs to go, less a moving average of earlier steps where `centering` is on.
public final class REBAR: Estimator {
  public struct Config: Configurable {
    public var temperature = Schedule(1)
    public var categoryTemperature = Schedule(0)
    public var eta = 1.0
    public var learnEta = true
    public var rate = Schedule(1e-3)
    public var centering = true
    public var movingAverage = 0.99
    public init() {}
    public static let fields: [Field<Config>] = [
      .schedule("temperature", \.temperature, in: 1e-3...100, "temperature of the relaxed pass"),
      .schedule(
        "category_temperature", \.categoryTemperature, in: 0...100,
        "temperature of categories and memory slots; 0: as `temperature`"),
      .number("eta", \.eta, in: -100...100, "scale of the control variate, at the start where it is learned"),
      .flag("learn_eta", \.learnEta, "lower the gradient's variance by changing eta"),
      .schedule("rate", \.rate, in: 0...10, "step size of eta"),
      .flag("centering", \.centering, "subtract a moving average of each decision's cost from both costs"),
      .number("moving_average", \.movingAverage, in: 0...0.99999, "decay of the running statistics"),
    ]
  }

  public let store = ParameterStore()
  public let rate: Schedule?
  private let config: Config
  private let hasDecisions: Bool
  /// nil where eta stays as it is.
  private let eta: Parameter?
  /// Per decision, in causal order.
  private let running: RunningStatistics

  public init(_ config: Config, _ context: EstimatorContext) {
    self.config = config
    hasDecisions = context.shape.decisions > 0
    let isLearned = config.learnEta && hasDecisions
    rate = isLearned ? config.rate : nil
    eta =
      isLearned
      ? Scope(store, random: context.random).parameter("eta", [1], .constant(Float(config.eta))) : nil
    running = RunningStatistics("rebar", decay: config.movingAverage, decisions: context.shape.decisions)
  }

  public var statistics: [Parameter] { hasDecisions ? running.parameters : [] }

  public func estimate(_ model: any InferenceModel, _ images: Tensor, at step: Int, noise: EstimatorNoise) -> Estimate {
    let pass = model.infer(images, drawing: noise.draw(.sampled, at: step))
    let decisions = pass.decisions.enumerated().map {
      Decision(term: $1.term, costToGo: $1.costToGo, center: config.centering ? running.mean($0) : 0)
    }
    guard !decisions.isEmpty else { return Estimate(pass, losses: [("objective", pass.loss(pass.cost))]) }
    let whole = pass.cost.detached()
    var objective = pass.cost
    for decision in decisions { objective = objective + decision.score(of: decision.costToGo) }

    let scale = eta?.tensor.scalar ?? Float(config.eta)
    var control = Tensor.zeros(whole.shape)
    var residuals = decisions.map { $0.costToGo - $0.center }
    for group in groups(decisions) {
      let relaxed = relax(group, of: decisions, model, images, at: step, noise.unobserved)
      for (index, slope) in zip(group, relaxed.slopes) {
        let decision = decisions[index]
        // What came before the decision costs the same in both passes.
        let cost = relaxed.cost - (whole - decision.costToGo)
        control = control - decision.score(of: cost) + decision.path(slope)
        residuals[index] = residuals[index] - (cost - decision.center).scaled(by: scale)
      }
    }
    let measured = zip(decisions, residuals).map {
      RunningStatistics.Measurement(cost: $0.costToGo, residual: $1, mask: $0.mask)
    }
    return estimate(pass, objective: objective, control: control.mean(), scale, measured)
  }

  private func estimate(
    _ pass: Pass, objective: Tensor, control: Tensor, _ scale: Float, _ measured: [RunningStatistics.Measurement]
  ) -> Estimate {
    var estimate = Estimate(pass, losses: [("objective", pass.loss(objective))])
    if let eta {
      estimate.scaled = ScaledLoss(value: control, scale: eta)
    } else {
      estimate.losses.append(("control", control.scaled(by: scale)))
    }
    estimate.constants.append(("eta", Tensor(shape: [1], [scale])))
    estimate.diagnostics.append(("eta", Double(scale)))
    if let deviations = running.update(measured) {
      estimate.diagnostics += [
        ("signal_deviation", deviations.signal), ("controlled_deviation", deviations.residual),
      ]
    }
    return estimate
  }

  /// Which decisions are relaxed together: all presences, and each category on its own.
  private func groups(_ decisions: [Decision]) -> [[Int]] {
    let presences = decisions.indices.filter { decisions[$0].isPresence }
    return (presences.isEmpty ? [] : [presences]) + decisions.indices.filter { !decisions[$0].isPresence }.map { [$0] }
  }

  /// The cost [batch] of a pass in which some decisions are relaxed, and its slopes with respect to their noisy logits.
  private func relax(
    _ group: [Int], of decisions: [Decision], _ model: any InferenceModel, _ images: Tensor, at step: Int,
    _ noise: EstimatorNoise
  ) -> (cost: Tensor, slopes: [Tensor]) {
    let relaxation = relaxation(at: step)
    var given = NodeSamples()
    for (index, decision) in decisions.enumerated() {
      // Categories stay as they are while presences are relaxed; after a relaxed category nothing does.
      let isGiven = decisions[group[0]].isPresence ? !decision.isPresence : index < group[0]
      if isGiven { given[decision.term.node, decision.term.step] = decision.sample }
    }
    let points = group.map { Parameter("noisy logits", decisions[$0].noisyLogits) }
    for (index, point) in zip(group, points) {
      let term = decisions[index].term
      given[term.node, term.step] = decisions[index].softened(point.tensor, relaxation)
    }
    let cost = model.store.frozen {
      model.infer(images, drawing: noise.draw(.relaxed(relaxation), at: step, given: given)).cost
    }
    return (cost.detached(), gradients(of: cost.sum(), for: points))
  }

  private func relaxation(at step: Int) -> Relaxation {
    func temperatures(_ schedule: Schedule) -> Relaxation.Temperatures {
      let value = Float(schedule.value(at: .step(step)))
      return Relaxation.Temperatures(posterior: value, prior: value)
    }
    let presence = temperatures(config.temperature)
    let categories = temperatures(config.categoryTemperature).replacingZeros(by: presence)
    return Relaxation(presence, categories: categories, kl: .categorical)
  }
}

/// A discrete node of a hard pass.
private struct Decision {
  let term: Term
  /// [batch], without gradient.
  let costToGo: Tensor
  /// What is subtracted from costs: known before the pass.
  let center: Float

  var mask: Tensor { term.mask.detached() }

  var isPresence: Bool {
    if case .bernoulli = term.latent { return true }
    return false
  }

  private struct Values { let logits, sample, noisyLogits: Tensor? }

  private var values: Values {
    switch term.latent {
    case .normal: Values(logits: nil, sample: nil, noisyLogits: nil)
    case .bernoulli(let latent): Values(logits: latent.logits, sample: latent.sample, noisyLogits: latent.noisyLogits)
    case .categorical(let latent): Values(logits: latent.logits, sample: latent.sample, noisyLogits: latent.noisyLogits)
    }
  }

  var sample: Tensor {
    guard let sample = values.sample else { preconditionFailure("\(term.node) is no discrete node") }
    return sample
  }

  /// z.
  var noisyLogits: Tensor {
    guard let noisy = values.noisyLogits else { preconditionFailure("\(term.node) was not drawn by a hard pass") }
    return noisy
  }

  /// mask (cost - center) log q(b), [batch]: differentiated, the score with the cost as its signal.
  func score(of cost: Tensor) -> Tensor {
    guard let logProbability = term.logProbability() else { preconditionFailure("\(term.node) is no discrete node") }
    return mask * (cost - center) * logProbability
  }

  /// The relaxed sample at noisy logits.
  func softened(_ point: Tensor, _ relaxation: Relaxation) -> Tensor {
    isPresence
      ? point.scaled(by: 1 / relaxation.presence.posterior).sigmoid()
      : point.scaled(by: 1 / relaxation.categories.posterior).softmax()
  }

  /// Differentiated, mask times the gradient of c(z) - c(z~) with respect to the logits, [batch]; `slope` is that of c at z = z~.
  func path(_ slope: Tensor) -> Tensor {
    switch term.latent {
    case .normal: preconditionFailure("\(term.node) is no discrete node")
    case .bernoulli(let latent): mask * slope * slopeRatio(latent) * latent.logits
    case .categorical(let latent): mask * (slope * slopeRatio(latent) * latent.logits.logSoftmax()).rowSums()
    }
  }

  /// 1 - dz~/dlogit at fixed noise v of z~.
  ///
  /// With s = 2 b - 1, z~ = s softplus(logit v + softplus(s logit)), so dz~/dlogit = (1 - e^-|z~|) q(b).
  private func slopeRatio(_ latent: BernoulliLatent) -> Tensor {
    let magnitude = noisyLogits.relu() + (-noisyLogits).relu()
    return 1 - (1 - (-magnitude).exp()) * latent.logProbability().detached().exp()
  }

  /// 1 - dz~_k/dlog p_k at fixed noise v of z~, [batch, K].
  ///
  /// z~_k = -log(E_k / p_k + E_b) with E_k = -log v_k, and z~_b = -log E_b, so dz~_k/dlog p_k = 1 - e^(z~_k - z~_b) for all k.
  private func slopeRatio(_ latent: CategoricalLatent) -> Tensor {
    let largest = (noisyLogits * latent.sample).rowSums().reshaped([noisyLogits.shape[0], 1])
    return (noisyLogits - largest).exp()
  }
}
