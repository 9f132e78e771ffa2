import Layers
import Tensors

/// The result of one inference pass over a batch: every latent, and how well the pass explains the scene.
public struct Pass {
  /// The latents in causal order: a discrete latent influences every later term and the likelihood.
  public let terms: [Term]
  /// log p(image | latents) [batch], in nats; in a marginal pass, its expectation over the counts.
  public let logLikelihood: Tensor
  /// The number of objects [batch], or the expected number if presences are not hard; nil for a model without objects.
  public let count: Tensor?
  /// What the controller saw at each step, without gradients. A learned baseline takes this as its input.
  public let contexts: [StepContext]
  /// The penalties that regularizers add to the loss. They are never part of the bound.
  public var penalties: [Penalty] = []

  public init(terms: [Term], logLikelihood: Tensor, count: Tensor?, contexts: [StepContext]) {
    (self.terms, self.logLikelihood, self.count, self.contexts) = (terms, logLikelihood, count, contexts)
  }

  /// The negative evidence lower bound [batch], in nats.  Kosiorek 2017, eq. (8).
  public var negativeBound: Tensor { terms.reduce(-logLikelihood) { $0 + $1.weightedKL } }

  /// The part of the cost without KLs [batch]: -log p(image | latents) plus the penalties on each image.
  var consequences: Tensor { penalties.compactMap(\.perImage).reduce(-logLikelihood, +) }

  /// The total cost of each image [batch]: the negative bound plus the penalties on the image.
  var cost: Tensor { penalties.compactMap(\.perImage).reduce(negativeBound, +) }

  /// The sum of the penalties on each image [batch]; nil if there are none.
  var penaltyOfImages: Tensor? {
    penalties.compactMap(\.perImage).reduce(nil) { sum, own in sum.map { $0 + own } ?? own }
  }

  /// Returns the mean of per-image costs [batch] plus the penalties on the whole batch, a scalar.
  func loss(_ costs: Tensor) -> Tensor { penalties.compactMap(\.batch).reduce(costs.mean(), +) }

  /// log q of all discrete samples of an image [batch], not counting masked nodes; nil if there are no discrete nodes.
  var logProbability: Tensor? {
    terms.reduce(nil) { sum, term in
      guard let own = term.logProbability().map({ term.mask.detached() * $0 }) else { return sum }
      return sum.map { $0 + own } ?? own
    }
  }

  /// The discrete nodes in causal order, each with its cost to go [batch], without gradients.
  ///
  /// The cost to go is the cost that the node's sample influences: all later KLs, the likelihood and the penalties.
  var decisions: [(term: Term, costToGo: Tensor)] {
    var cost = consequences.detached()
    var decisions: [(term: Term, costToGo: Tensor)] = []
    for term in terms.reversed() {
      if term.isDiscrete { decisions.append((term, cost)) }
      cost = cost + term.weightedKL.detached()
    }
    return decisions.reversed()
  }

  /// The log importance weight log p(image, latents) - log q(latents | image) at hard samples [batch], in nats.
  public var logWeight: Tensor { terms.reduce(logLikelihood) { $0 + $1.mask * $1.logRatio() } }

  /// Per-image terms by name, each [batch]: the log-likelihood, the KLs summed over steps, the negative bound, and the
  /// count (if the model has one).
  public var reported: [(name: String, value: Tensor)] {
    var sums: [(name: String, value: Tensor)] = []
    for term in terms {
      let kl = term.weightedKL.detached()
      if let index = sums.firstIndex(where: { $0.name == "\(term.node)_kl" }) {
        sums[index].value = sums[index].value + kl
      } else {
        sums.append(("\(term.node)_kl", kl))
      }
    }
    return [("log_likelihood", logLikelihood.detached())] + sums
      + [("nelbo", negativeBound.detached())] + (count.map { [("count", $0.detached())] } ?? [])
  }
}

/// The term that a regularizer adds to the loss of a pass.
public struct Penalty {
  public let name: String
  /// A penalty on each image [batch]. It is part of the cost that score functions assign to discrete samples.
  public let perImage: Tensor?
  /// A penalty on the whole batch, a scalar. It has only a path-wise gradient: score functions do not include it.
  public let batch: Tensor?
  /// The fraction of images that violate the constraint; nil if the regularizer is not a yes-or-no constraint.
  public let violated: Double?

  public init(_ name: String, perImage: Tensor? = nil, batch: Tensor? = nil, violated: Double? = nil) {
    (self.name, self.perImage, self.batch, self.violated) = (name, perImage, batch, violated)
  }

  /// What the penalty contributes to the loss.
  var value: Double {
    Double((perImage?.detached().mean().scalar ?? 0) + (batch?.scalar ?? 0))
  }
}

/// One latent of a pass, with its contribution to the bound.
public struct Term {
  /// The latent itself. The discrete ones (Bernoulli, categorical) have a log-probability for score functions.
  public enum Latent {
    case normal(NormalLatent)
    case bernoulli(BernoulliLatent)
    case categorical(CategoricalLatent)
  }

  /// The node's name: "presence", "window", "appearance", ...
  public let node: String
  public let step: Int
  /// The weight of the KL [batch]: 1 if the node exists, 0 if not, and in between if presences are relaxed or marginal.
  public let mask: Tensor
  public let latent: Latent
  /// mask * KL [batch].
  public let weightedKL: Tensor

  public init(_ node: String, step: Int, mask: Tensor, _ latent: Latent) {
    (self.node, self.step, self.mask, self.latent) = (node, step, mask, latent)
    switch latent {
    case .normal(let normal): weightedKL = mask * normal.kl()
    case .bernoulli(let bernoulli): weightedKL = mask * bernoulli.kl()
    case .categorical(let categorical): weightedKL = mask * categorical.kl()
    }
  }

  /// log p - log q at the sample [batch], which must not be relaxed.
  func logRatio() -> Tensor {
    switch latent {
    case .normal(let normal): normal.logRatio()
    case .bernoulli(let bernoulli): bernoulli.logRatio()
    case .categorical(let categorical): categorical.logRatio()
    }
  }

  /// log q of the sample [batch]; nil if the node is continuous.
  public func logProbability() -> Tensor? {
    switch latent {
    case .normal: nil
    case .bernoulli(let bernoulli): bernoulli.logProbability()
    case .categorical(let categorical): categorical.logProbability()
    }
  }

  public var isDiscrete: Bool {
    if case .normal = latent { return false }
    return true
  }
}

/// What a controller saw at one step, without gradients.
public struct StepContext {
  /// The image part [batch, pixels]. If the batch holds several copies of each image, one row serves all of its copies.
  public let pixels: PixelRows
  /// What earlier steps drew, if the controller saw the image minus their sum; empty otherwise.
  public let drawn: [PixelRows]
  /// The latents of the previous step [batch, fed]; nil if none are fed back.
  public let fed: Tensor?
  public init(pixels: PixelRows, drawn: [PixelRows] = [], fed: Tensor?) {
    (self.pixels, self.drawn, self.fed) = (pixels.detached, drawn.map(\.detached), fed?.detached())
  }
}

/// The sizes of a model's step contexts, and the discrete nodes of a step. Estimators build their baselines from these.
public struct ContextShape: Sendable {
  public let steps: Int
  public let pixels: Int
  public let fed: Int
  /// In causal order.
  public let discreteNodes: [DiscreteNode]

  public init(steps: Int, pixels: Int, fed: Int, discreteNodes: [DiscreteNode]) {
    (self.steps, self.pixels, self.fed, self.discreteNodes) = (steps, pixels, fed, discreteNodes)
  }

  /// The number of discrete nodes in a pass.
  var decisions: Int { steps * discreteNodes.count }
}

/// A model that an estimator can run.
public protocol InferenceModel {
  /// Runs one inference pass over images [batch, channel, height, width] in [0, 1].
  func infer(_ images: Tensor, drawing draw: Draw) -> Pass
  var contextShape: ContextShape { get }
  /// All trained parameters.
  var store: ParameterStore { get }
}
