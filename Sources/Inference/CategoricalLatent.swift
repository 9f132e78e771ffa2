import Glibc
import Tensors

/// A categorical node over K outcomes with a uniform prior: logits and sample [batch, K].
public struct CategoricalLatent {
  public let logits: Tensor
  /// One-hot; inside the simplex where the draw is relaxed.
  public let sample: Tensor
  /// The relaxation that the sample came from, if any.
  public let relaxed: RelaxedCategorical?
  /// The logits with the noise of which a hard sample marks the largest; nil where none was drawn.
  let noisyLogits: Tensor?

  init(logits: Tensor, sample: Tensor, relaxed: RelaxedCategorical? = nil, noisyLogits: Tensor? = nil) {
    (self.logits, self.sample, self.relaxed, self.noisyLogits) = (logits, sample, relaxed, noisyLogits)
  }

  private var outcomes: Int { logits.shape[1] }

  /// log q of a hard sample, [batch].
  public func logProbability() -> Tensor { (sample.detached() * logits.logSoftmax()).rowSums() }

  /// log p - log q of a hard sample, [batch].
  func logRatio() -> Tensor { logProbability().scaled(by: -1, plus: -Float(log(Double(outcomes)))) }

  /// KL of the posterior from the uniform prior, [batch], in nats: in closed form, or as the relaxation has it.
  public func kl() -> Tensor {
    guard let relaxed, relaxed.relaxation.kl != .categorical else {
      return expectedLogRatio(under: logits.softmax())
    }
    return relaxed.relaxation.kl == .soft ? expectedLogRatio(under: sample) : densityKL(relaxed)
  }

  /// sum_k w_k (log q_k - log p_k), [batch]: the KL for w = q, its estimate at a relaxed sample for w = y.
  private func expectedLogRatio(under weights: Tensor) -> Tensor {
    (weights * (logits.logSoftmax() + Float(log(Double(outcomes))))).rowSums()
  }

  /// log q(y) - log p(y) at the sample in logit space, each density at its own temperature.  Maddison et al. 2016, appendix
  /// C.3: log (K - 1)! + (K - 1) log tau + sum_k (a_k - tau y_k) - K logsumexp_k (a_k - tau y_k), a the logits (a shift cancels), 0 for the prior.
  ///
  /// The two are nearly the same number where posterior and prior are, so what they have in common is left out before it is
  /// summed: with D = a - (tau - tau0) y, the logsumexps differ by logsumexp(D + log softmax(-tau0 y)).
  private func densityKL(_ relaxed: RelaxedCategorical) -> Tensor {
    let (tau, priorTau) = (relaxed.relaxation.categories.posterior, relaxed.relaxation.categories.prior)
    let difference = logits - relaxed.y.scaled(by: tau - priorTau)
    let base = relaxed.y.scaled(by: -priorTau).logSoftmax()
    let constant = Double(outcomes - 1) * log(Double(tau) / Double(priorTau))
    return difference.rowSums()
      - (difference + base).logSumExp().scaled(by: Float(outcomes), plus: Float(-constant))
  }
}

/// A relaxed one-hot sample in logit space, [batch, K]: y = log softmax((logits + Gumbel noise) / temperature).
public struct RelaxedCategorical {
  public let y: Tensor
  public let relaxation: Relaxation
}
