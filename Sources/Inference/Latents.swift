import Tensors

/// A normal node: the parameters of its posterior and prior, and its sample, each [batch, n].
public struct NormalLatent {
  public let mean, deviation, priorMean, priorDeviation, sample: Tensor

  /// KL of the posterior from the prior, [batch], in nats.
  public func kl() -> Tensor {
    mean.normalKL(deviation: deviation, priorMean: priorMean, priorDeviation: priorDeviation)
  }

  /// log p - log q at the sample, [batch].
  func logRatio() -> Tensor {
    let fromPosterior = ((sample - mean) / deviation).squared()
    let fromPrior = ((sample - priorMean) / priorDeviation).squared()
    return ((fromPosterior - fromPrior).scaled(by: 0.5) + deviation.log() - priorDeviation.log()).rowSums()
  }
}

/// A Bernoulli node: logits and sample [batch], and the log-odds of the prior, [batch] or a scalar.
public struct BernoulliLatent {
  public let logits: Tensor
  public let priorLogOdds: Tensor
  /// 0 or 1; in (0, 1) if the draw is relaxed; the probability of 1 if the draw is marginal.
  public let sample: Tensor
  /// The relaxed sample in logit space; nil if the draw is not relaxed.
  public let relaxed: RelaxedBernoulli?
  /// Logits plus noise; a hard sample is 1 where this is positive. nil if no hard sample was drawn.
  let noisyLogits: Tensor?

  init(
    logits: Tensor, priorLogOdds: Tensor, sample: Tensor, relaxed: RelaxedBernoulli? = nil, noisyLogits: Tensor? = nil
  ) {
    (self.logits, self.priorLogOdds, self.sample, self.relaxed) = (logits, priorLogOdds, sample, relaxed)
    self.noisyLogits = noisyLogits
  }

  /// log q of a hard sample, [batch]: log sigmoid(logit) if the sample is 1, log sigmoid(-logit) if it is 0.
  public func logProbability() -> Tensor {
    (sample.detached().scaled(by: 2, plus: -1) * logits).logSigmoid()
  }

  /// log p - log q of a hard sample, [batch].
  func logRatio() -> Tensor {
    (sample.detached().scaled(by: 2, plus: -1) * priorLogOdds).logSigmoid() - logProbability()
  }

  /// KL of the posterior from the prior, [batch], in nats: in closed form, or as `Relaxation.KL` defines it for a
  /// relaxed sample.
  public func kl() -> Tensor {
    guard let relaxed, relaxed.relaxation.kl != .categorical else { return closedFormKL() }
    return relaxed.relaxation.kl == .density ? densityKL(relaxed) : softKL()
  }

  /// p (l - l0) - softplus(l) + softplus(l0).
  private func closedFormKL() -> Tensor {
    logits.sigmoid() * (logits - priorLogOdds) - logits.softplus() + priorLogOdds.softplus()
  }

  /// z (log p - log p0) + (1 - z) (log(1 - p) - log(1 - p0)) at the relaxed sample z.
  private func softKL() -> Tensor {
    sample * (logits - priorLogOdds) - logits.softplus() + priorLogOdds.softplus()
  }

  /// log q(y) - log p(y) at the sample in logit space, each density at its own temperature.
  /// Maddison et al. 2016, appendix C.3.
  private func densityKL(_ relaxed: RelaxedBernoulli) -> Tensor {
    relaxed.logDensity(logits, relaxed.relaxation.presence.posterior)
      - relaxed.logDensity(priorLogOdds, relaxed.relaxation.presence.prior)
  }
}

/// A relaxed Bernoulli sample y in logit space: y = (logit + logistic noise) / temperature.
public struct RelaxedBernoulli {
  public let y: Tensor
  public let relaxation: Relaxation

  /// log tau + (a - tau y) - 2 softplus(a - tau y).
  fileprivate func logDensity(_ location: Tensor, _ temperature: Float) -> Tensor {
    let distance = location - y.scaled(by: temperature)
    return distance - distance.softplus().scaled(by: 2) + Tensor(temperature).log()
  }
}

/// How discrete nodes are relaxed (Maddison et al. 2016; Jang et al. 2016).
public struct Relaxation: Sendable {
  /// How the KL of a relaxed node is computed.
  ///
  /// `density`: log q - log p of the relaxed densities in logit space, at the sample. `soft`: the categorical
  /// log q - log p, weighted by the relaxed sample. `categorical`: the KL of the hard node in closed form.
  public enum KL: String, CaseIterable, Sendable { case density, soft, categorical }

  /// The temperatures of one kind of node.
  public struct Temperatures: Sendable {
    public let posterior, prior: Float
    public init(posterior: Float, prior: Float) { (self.posterior, self.prior) = (posterior, prior) }

    func replacingZeros(by others: Temperatures) -> Temperatures {
      Temperatures(posterior: posterior > 0 ? posterior : others.posterior, prior: prior > 0 ? prior : others.prior)
    }
  }

  /// The temperatures of presences, and those of categorical nodes.
  public let presence, categories: Temperatures
  /// Whether the forward pass uses hard values while gradients are those of the relaxed sample.
  public let isStraightThrough: Bool
  public let kl: KL

  /// Categorical nodes use the temperatures of presences unless `categories` is given.
  public init(
    _ presence: Temperatures = Temperatures(posterior: 1, prior: 1), categories: Temperatures? = nil,
    isStraightThrough: Bool = false, kl: KL = .categorical
  ) {
    (self.presence, self.categories) = (presence, categories ?? presence)
    (self.isStraightThrough, self.kl) = (isStraightThrough, kl)
  }
}
