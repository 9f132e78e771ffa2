import Layers
import Tensors

/// How one pass draws its latents, and from which noise.
///
/// A model asks its draw for a sample at every random node and does not know which estimator is in use. The noise of a
/// node is a pure function of (stream, node, step), so several passes can use the same noise. Discrete nodes may have a
/// separate stream, so that passes share only the continuous noise.
public struct Draw {
  /// How discrete nodes are sampled.
  public enum Discrete: Sendable {
    /// Hard samples.
    case sampled
    /// Relaxed samples, differentiable.  Maddison et al. 2016; Jang et al. 2016.
    case relaxed(Relaxation)
    /// The most likely outcome; continuous nodes take their means.
    case mode
    /// All counts of objects at once: a presence takes the value of its probability, and the log-likelihood is the
    /// expectation over the counts. Other discrete nodes are relaxed.
    case marginal(others: Relaxation = Relaxation())
    /// Samples of the priors, which ignore the posterior. If `objects` is given, presence is 1 for the first `objects`
    /// steps and 0 after them.
    case prior(objects: Int?)
  }

  public let discrete: Discrete
  /// The progress of training, which determines the values of schedules.
  public let progress: Progress
  /// The number of copies of each image in the batch, which are adjacent. What depends only on the image needs to be
  /// computed only for the first copy.
  public let copies: Int
  private let noise: RandomStream
  private let discreteNoise: RandomStream
  private let given: NodeSamples
  private let record: NoiseRecord?
  private let probe: LogitProbe?

  /// Discrete nodes draw from `discreteNoise` if it is not nil, and from `noise` otherwise. Nodes with a sample in
  /// `given` do not draw.
  public init(
    _ discrete: Discrete, noise: RandomStream, discreteNoise: RandomStream? = nil, progress: Progress,
    copies: Int = 1, given: NodeSamples = NodeSamples(), record: NoiseRecord? = nil, probe: LogitProbe? = nil
  ) {
    self.discrete = discrete
    self.progress = progress
    self.noise = noise
    self.discreteNoise = discreteNoise ?? noise
    (self.copies, self.given, self.record, self.probe) = (copies, given, record, probe)
  }

  /// Whether presences weight all counts instead of selecting one.
  public var isMarginal: Bool {
    if case .marginal = discrete { return true }
    return false
  }

  /// Draws a normal node with a normal prior: mean + deviation * noise, the mean, or a sample of the prior.
  ///
  /// All tensors are [batch, n]; those of the prior may also be [n].
  public func normal(
    _ node: String, step: Int, mean: Tensor, deviation: Tensor, priorMean: Tensor, priorDeviation: Tensor
  ) -> NormalLatent {
    normal(node, step: step, mean: mean, deviation: deviation, prior: NormalPrior(priorMean, priorDeviation))
  }

  /// Draws a normal node, mean and deviation [batch, n], whose prior may depend on earlier components of the sample.
  public func normal(
    _ node: String, step: Int, mean: Tensor, deviation: Tensor, prior: NormalPrior
  ) -> NormalLatent {
    var sample = mean
    switch discrete {
    case .mode: break
    case .prior:
      let epsilon = noise.child(node).at(step).normals(mean.shape)
      for _ in 0..<prior.stages {
        let expected = prior.parameters(sample)
        sample = epsilon * expected.deviation + expected.mean
      }
    case .sampled, .relaxed, .marginal:
      let epsilon = noise.child(node).at(step).normals(mean.shape)
      record?.add(node, step, epsilon)
      sample = mean + deviation * epsilon
    }
    let expected = prior.parameters(sample)
    return NormalLatent(
      mean: mean, deviation: deviation, priorMean: expected.mean, priorDeviation: expected.deviation, sample: sample)
  }

  /// Draws a Bernoulli node with the given logits [batch] and prior log-odds, [batch] or a scalar.
  public func bernoulli(_ node: String, step: Int, logits: Tensor, priorLogOdds: Tensor) -> BernoulliLatent {
    let logits = probe?.tapped(logits, node, step, copies: copies) ?? logits
    if let sample = given[node, step] {
      return BernoulliLatent(logits: logits, priorLogOdds: priorLogOdds, sample: sample)
    }
    switch discrete {
    case .mode:
      return BernoulliLatent(logits: logits, priorLogOdds: priorLogOdds, sample: logits.isAbove(0))
    case .marginal:
      return BernoulliLatent(logits: logits, priorLogOdds: priorLogOdds, sample: logits.sigmoid())
    case .prior(let objects):
      let sample =
        objects.map { (step < $0 ? Tensor.ones : Tensor.zeros)(logits.shape) }
        ?? (priorLogOdds + logistic(node, step, logits.shape)).isAbove(0)
      return BernoulliLatent(logits: logits, priorLogOdds: priorLogOdds, sample: sample)
    case .sampled:
      let noisy = logits.detached() + logistic(node, step, logits.shape)
      return BernoulliLatent(
        logits: logits, priorLogOdds: priorLogOdds, sample: noisy.isAbove(0), noisyLogits: noisy)
    case .relaxed(let relaxation):
      let y = (logits + logistic(node, step, logits.shape)).scaled(by: 1 / relaxation.presence.posterior)
      let soft = y.sigmoid()
      let sample = relaxation.isStraightThrough ? y.isAbove(0).straightThrough(to: soft) : soft
      return BernoulliLatent(
        logits: logits, priorLogOdds: priorLogOdds, sample: sample,
        relaxed: RelaxedBernoulli(y: y, relaxation: relaxation))
    }
  }

  /// A presence [batch] that is not a latent: always 1, but 0 after the first `objects` steps of a draw of the prior
  /// that sets `objects`.
  public func certain(step: Int, batch: Int) -> Tensor {
    if case .prior(let objects?) = discrete, step >= objects { return .zeros([batch]) }
    return .ones([batch])
  }

  /// Draws a categorical node with the given logits [batch, K] and a uniform prior.
  public func categorical(_ node: String, step: Int, logits: Tensor) -> CategoricalLatent {
    let logits = probe?.tapped(logits, node, step, copies: copies) ?? logits
    if let sample = given[node, step] { return CategoricalLatent(logits: logits, sample: sample) }
    switch discrete {
    case .mode: return CategoricalLatent(logits: logits, sample: logits.oneHotOfLargest())
    case .prior:
      return CategoricalLatent(logits: logits, sample: gumbel(node, step, logits.shape).oneHotOfLargest())
    case .sampled:
      let noisy = logits.detached() + gumbel(node, step, logits.shape)
      return CategoricalLatent(logits: logits, sample: noisy.oneHotOfLargest(), noisyLogits: noisy)
    case .relaxed(let relaxation), .marginal(let relaxation):
      let y = (logits + gumbel(node, step, logits.shape)).scaled(by: 1 / relaxation.categories.posterior).logSoftmax()
      let soft = y.exp()
      let sample = relaxation.isStraightThrough ? y.oneHotOfLargest().straightThrough(to: soft) : soft
      return CategoricalLatent(
        logits: logits, sample: sample, relaxed: RelaxedCategorical(y: y, relaxation: relaxation))
    }
  }

  /// Draws standard normal noise for a use other than a latent of the scene.
  public func normals(_ name: String, _ shape: [Int]) -> Tensor {
    let normals = noise.child(name).normals(shape)
    record?.add(name, 0, normals)
    return normals
  }

  private func gumbel(_ node: String, _ step: Int, _ shape: [Int]) -> Tensor {
    let uniforms = discreteNoise.child(node).at(step).uniforms(shape)
    record?.add(node, step, uniforms)
    return -(-uniforms.log()).log()
  }

  private func logistic(_ node: String, _ step: Int, _ shape: [Int]) -> Tensor {
    let uniforms = discreteNoise.child(node).at(step).uniforms(shape)
    record?.add(node, step, uniforms)
    return uniforms.logit()
  }
}

/// A normal prior whose mean and deviation may depend on the sample.
public struct NormalPrior {
  /// The number of groups into which the components are divided; the groups are drawn one after another.
  let stages: Int
  /// Mean and deviation given the node's sample [batch, n]. Those of a group depend only on earlier groups.
  let parameters: (Tensor) -> (mean: Tensor, deviation: Tensor)

  public init(stages: Int, _ parameters: @escaping (Tensor) -> (mean: Tensor, deviation: Tensor)) {
    (self.stages, self.parameters) = (stages, parameters)
  }

  /// A prior that does not depend on the sample.
  public init(_ mean: Tensor, _ deviation: Tensor) { self.init(stages: 1) { _ in (mean, deviation) } }
}

/// Collects the noise of a pass, for `airframe export-step`: normals for normal nodes, uniforms for discrete nodes.
public final class NoiseRecord {
  public private(set) var entries: [(node: String, step: Int, noise: Tensor)] = []
  public init() {}
  fileprivate func add(_ node: String, _ step: Int, _ noise: Tensor) { entries.append((node, step, noise)) }
}
