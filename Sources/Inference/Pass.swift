import Layers
import Tensors

/// One inference pass over a batch: what every latent was, and how well the scene is explained.
public struct Pass {
  /// The latents in causal order: a discrete one influences every term after it and the likelihood.
  public let terms: [Term]
  /// log p(image | latents) [batch], in nats; its expectation over the counts in a marginal pass.
  public let logLikelihood: Tensor
  /// Number of objects [batch]: expected, where presences are not hard; nil for a model that names none.
  public let count: Tensor?
  /// What the controller saw at each step, without gradients: the inputs of a learned baseline.
  public let contexts: [StepContext]
  /// What regularizers add to the loss; never part of the bound.
  public var penalties: [Penalty] = []

  public init(terms: [Term], logLikelihood: Tensor, count: Tensor?, contexts: [StepContext]) {
    (self.terms, self.logLikelihood, self.count, self.contexts) = (terms, logLikelihood, count, contexts)
  }

  /// The negative evidence lower bound [batch], in nats.  air-notes eq. (8).
  public var negativeBound: Tensor { terms.reduce(-logLikelihood) { $0 + $1.weightedKL } }

  /// What latents do not cost but their consequences do [batch]: the likelihood and the penalties on each image.
  var consequences: Tensor { penalties.compactMap(\.perImage).reduce(-logLikelihood, +) }

  /// What an image costs [batch]: the bound, and the penalties on it.
  var cost: Tensor { penalties.compactMap(\.perImage).reduce(negativeBound, +) }

  /// The penalties on each image [batch]; nil where there are none.
  var penaltyOfImages: Tensor? {
    penalties.compactMap(\.perImage).reduce(nil) { sum, own in sum.map { $0 + own } ?? own }
  }

  /// The mean of per-image costs [batch] and the penalties on the whole batch, a scalar.
  func loss(_ costs: Tensor) -> Tensor { penalties.compactMap(\.batch).reduce(costs.mean(), +) }

  /// log q of the discrete samples that exist, together [batch]; nil where there are none.
  var logProbability: Tensor? {
    terms.reduce(nil) { sum, term in
      guard let own = term.logProbability().map({ term.mask.detached() * $0 }) else { return sum }
      return sum.map { $0 + own } ?? own
    }
  }

  /// The discrete nodes in causal order, each with the cost that its sample influences [batch]: everything after it, the
  /// likelihood and the penalties. Without gradients.
  var decisions: [(term: Term, costToGo: Tensor)] {
    var cost = consequences.detached()
    var decisions: [(term: Term, costToGo: Tensor)] = []
    for term in terms.reversed() {
      if term.isDiscrete { decisions.append((term, cost)) }
      cost = cost + term.weightedKL.detached()
    }
    return decisions.reversed()
  }

  /// log p(image, latents) - log q(latents | image) at hard samples [batch], in nats: the logarithm of an importance weight.
  public var logWeight: Tensor { terms.reduce(logLikelihood) { $0 + $1.mask * $1.logRatio() } }

  /// Per-image terms by name, each [batch]: the likelihood, the KLs summed over steps, their total, the count (where there is one).
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

/// What a regularizer adds to the loss of a pass.
public struct Penalty {
  public let name: String
  /// For each image [batch]: discrete samples are answerable for it.
  public let perImage: Tensor?
  /// For the batch as a whole, a scalar: its gradient follows paths alone.
  public let batch: Tensor?
  /// The share of images that break what it asks for, where that is a yes or no.
  public let violated: Double?

  public init(_ name: String, perImage: Tensor? = nil, batch: Tensor? = nil, violated: Double? = nil) {
    (self.name, self.perImage, self.batch, self.violated) = (name, perImage, batch, violated)
  }

  /// Its share of the loss.
  var value: Double {
    Double((perImage?.detached().mean().scalar ?? 0) + (batch?.scalar ?? 0))
  }
}

/// One latent of a pass with its share of the bound.
public struct Term {
  /// The latent itself: continuous, or discrete with a log-probability for score functions.
  public enum Latent {
    case normal(NormalLatent)
    case bernoulli(BernoulliLatent)
    case categorical(CategoricalLatent)
  }

  /// The node's name: "presence", "window", "appearance", ...
  public let node: String
  public let step: Int
  /// Weight of the KL [batch]: whether (or how much) the node exists.
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

  /// log p - log q at the sample [batch], where it is not relaxed.
  func logRatio() -> Tensor {
    switch latent {
    case .normal(let normal): normal.logRatio()
    case .bernoulli(let bernoulli): bernoulli.logRatio()
    case .categorical(let categorical): categorical.logRatio()
    }
  }

  /// log q of the sample [batch] if the node is discrete.
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
  /// The image part [batch, pixels]; one row for all copies of an image where the batch holds some.
  public let pixels: PixelRows
  /// What earlier steps drew, where the controller saw the image less all of it.
  public let drawn: [PixelRows]
  /// Latents of the step before [batch, fed], or nil.
  public let fed: Tensor?
  public init(pixels: PixelRows, drawn: [PixelRows] = [], fed: Tensor?) {
    (self.pixels, self.drawn, self.fed) = (pixels.detached, drawn.map(\.detached), fed?.detached())
  }
}

/// Sizes of a model's step contexts, and the discrete nodes of a step, for baselines.
public struct ContextShape: Sendable {
  public let steps: Int
  public let pixels: Int
  public let fed: Int
  /// In causal order.
  public let discreteNodes: [DiscreteNode]

  public init(steps: Int, pixels: Int, fed: Int, discreteNodes: [DiscreteNode]) {
    (self.steps, self.pixels, self.fed, self.discreteNodes) = (steps, pixels, fed, discreteNodes)
  }

  /// All discrete nodes of a pass.
  var decisions: Int { steps * discreteNodes.count }
}

/// A model that an estimator can run.
public protocol InferenceModel {
  /// images [batch, channel, height, width] in [0, 1] -> everything latent about them.
  func infer(_ images: Tensor, drawing draw: Draw) -> Pass
  var contextShape: ContextShape { get }
  /// All trained values.
  var store: ParameterStore { get }
}
