import Configuration
import Layers
import Tensors

/// REBAR: the score function with a relaxation of the same decisions as its control variate.
/// Tucker et al. 2017; Kosiorek 2017, section 5.5.
///
/// The estimate is unbiased and has low variance.
///
/// Let b = H(z) be a decision, with z = logit + noise, f its cost, and c the cost of the relaxed pass. The gradient is
///
///     (f(b) - eta c(z~)) grad log q(b) + eta grad [c(z) - c(z~)] + the gradient of f(b) along paths,
///
/// where z~ is drawn from q(z | b). The gradient grad [...] is only with respect to the logits of the decision itself;
/// c is not differentiated with respect to anything else. The two eta terms cancel in expectation.
///
/// As in the paper's code (appendix B: common random numbers), the noise of z~ is the noise for which z~ = z. This
/// noise is uniform and independent of b, so the estimate stays unbiased. The relaxed and the conditionally relaxed
/// pass then have the same values, and one pass serves as both; only the derivatives of z and z~ differ (`slopeRatio`).
///
/// A presence influences no other decision, so all presences are relaxed together while categories keep their hard
/// samples. Later logits depend on a category, so each category i has its own cost c_i: category i is relaxed, earlier
/// decisions keep their hard samples, and later ones are relaxed using their own noise.
///
/// Masked decisions (mask 0) do not contribute. f and c are costs to go; if `centering` is on, a moving average over
/// earlier training steps is subtracted from both.
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
  /// The trained eta; nil if eta is constant.
  private let eta: Parameter?
  /// The running statistics of each decision, in causal order.
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
        // The cost before the decision is the same in both passes, so this is the relaxed pass's cost to go.
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

  /// The groups of decisions that are relaxed together: all presences, and each category alone.
  private func groups(_ decisions: [Decision]) -> [[Int]] {
    let presences = decisions.indices.filter { decisions[$0].isPresence }
    return (presences.isEmpty ? [] : [presences]) + decisions.indices.filter { !decisions[$0].isPresence }.map { [$0] }
  }

  /// Runs a pass in which the decisions of `group` are relaxed.
  ///
  /// Returns the cost [batch] and its derivatives with respect to the noisy logits of these decisions.
  private func relax(
    _ group: [Int], of decisions: [Decision], _ model: any InferenceModel, _ images: Tensor, at step: Int,
    _ noise: EstimatorNoise
  ) -> (cost: Tensor, slopes: [Tensor]) {
    let relaxation = relaxation(at: step)
    var given = NodeSamples()
    for (index, decision) in decisions.enumerated() {
      // While presences are relaxed, categories keep their hard samples. After a relaxed category, no decision does.
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
  /// The value that is subtracted from costs. It is known before the pass.
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
    guard let sample = values.sample else { preconditionFailure("\(term.node) is not a discrete node") }
    return sample
  }

  /// z.
  var noisyLogits: Tensor {
    guard let noisy = values.noisyLogits else { preconditionFailure("\(term.node) was not drawn by a hard pass") }
    return noisy
  }

  /// mask (cost - center) log q(b), [batch]: its gradient is the score times mask (cost - center).
  func score(of cost: Tensor) -> Tensor {
    guard let logProbability = term.logProbability() else { preconditionFailure("\(term.node) is not a discrete node") }
    return mask * (cost - center) * logProbability
  }

  /// The relaxed sample at noisy logits.
  func softened(_ point: Tensor, _ relaxation: Relaxation) -> Tensor {
    isPresence
      ? point.scaled(by: 1 / relaxation.presence.posterior).sigmoid()
      : point.scaled(by: 1 / relaxation.categories.posterior).softmax()
  }

  /// A term [batch] whose gradient is mask times the gradient of c(z) - c(z~) with respect to the logits.
  ///
  /// `slope` is the derivative of c at z = z~.
  func path(_ slope: Tensor) -> Tensor {
    switch term.latent {
    case .normal: preconditionFailure("\(term.node) is not a discrete node")
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
  /// z~_k = -log(E_k / p_k + E_b) with E_k = -log v_k, and z~_b = -log E_b, so dz~_k/dlog p_k = 1 - e^(z~_k - z~_b) for
  /// all k.
  private func slopeRatio(_ latent: CategoricalLatent) -> Tensor {
    let largest = (noisyLogits * latent.sample).rowSums().reshaped([noisyLogits.shape[0], 1])
    return (noisyLogits - largest).exp()
  }
}
