import Glibc
import Tensors

/// A categorical node over K outcomes with a uniform prior: logits and sample [batch, K].
public struct CategoricalLatent {
  public let logits: Tensor
  /// One-hot; inside the simplex if the draw is relaxed.
  public let sample: Tensor
  /// The relaxed sample in logit space; nil if the draw is not relaxed.
  public let relaxed: RelaxedCategorical?
  /// Logits plus noise; a hard sample is 1 at the largest of these. nil if no hard sample was drawn.
  let noisyLogits: Tensor?

  init(logits: Tensor, sample: Tensor, relaxed: RelaxedCategorical? = nil, noisyLogits: Tensor? = nil) {
    (self.logits, self.sample, self.relaxed, self.noisyLogits) = (logits, sample, relaxed, noisyLogits)
  }

  private var outcomes: Int { logits.shape[1] }

  /// log q of a hard sample, [batch].
  public func logProbability() -> Tensor { (sample.detached() * logits.logSoftmax()).rowSums() }

  /// log p - log q of a hard sample, [batch].
  func logRatio() -> Tensor { logProbability().scaled(by: -1, plus: -Float(log(Double(outcomes)))) }

  /// KL of the posterior from the uniform prior, [batch], in nats: in closed form, or as `Relaxation.KL` defines it for
  /// a relaxed sample.
  public func kl() -> Tensor {
    guard let relaxed, relaxed.relaxation.kl != .categorical else {
      return expectedLogRatio(under: logits.softmax())
    }
    return relaxed.relaxation.kl == .soft ? expectedLogRatio(under: sample) : densityKL(relaxed)
  }

  /// sum_k w_k (log q_k - log p_k), [batch]: the KL if w = q, its estimate at a relaxed sample y if w = y.
  private func expectedLogRatio(under weights: Tensor) -> Tensor {
    (weights * (logits.logSoftmax() + Float(log(Double(outcomes))))).rowSums()
  }

  /// log q(y) - log p(y) at the sample in logit space, each density at its own temperature.
  ///
  /// A log density is log (K - 1)! + (K - 1) log tau + sum_k (a_k - tau y_k) - K logsumexp_k (a_k - tau y_k). Here a
  /// are the logits, and 0 for the prior; adding a constant to a changes nothing.  Maddison et al. 2016, appendix C.3.
  ///
  /// If posterior and prior are similar, the two densities are nearly equal, so their common part is removed before
  /// summation to keep precision: with D = a - (tau - tau0) y, the logsumexps differ by
  /// logsumexp(D + log softmax(-tau0 y)).
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
