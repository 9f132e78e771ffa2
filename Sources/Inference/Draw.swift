import Layers
import Tensors

/// How one pass draws its latents, and on which noise.
///
/// A model asks its draw at every random node and does not know which estimator is at work. All noise of a node is a
/// pure function of (stream, node, step), so several passes can run on the same noise; discrete nodes may have a stream of
/// their own, so that passes share the continuous noise alone.
public struct Draw {
  /// What discrete nodes become.
  public enum Discrete: Sendable {
    /// Hard samples.
    case sampled
    /// Relaxed samples, differentiable.  Maddison et al. 2016; Jang et al. 2016.
    case relaxed(Relaxation)
    /// The more likely outcome; continuous nodes take their means.
    case mode
    /// All counts of objects at once: presences stand for their probabilities, the likelihood is summed over the counts.
    /// Other discrete nodes are relaxed.
    case marginal(others: Relaxation = Relaxation())
    /// Samples of the priors, with no regard to what was inferred; presence holds for the first `objects` steps, where
    /// their number is given.
    case prior(objects: Int?)
  }

  public let discrete: Discrete
  /// Which values schedules take.
  public let progress: Progress
  /// How often every image stands in the batch, one copy after the other: what depends on the image alone need not be
  /// computed for more than the first of them.
  public let copies: Int
  private let noise: RandomStream
  private let discreteNoise: RandomStream
  private let given: NodeSamples
  private let record: NoiseRecord?
  private let probe: LogitProbe?

  /// Discrete nodes draw from `discreteNoise` where it is given, else from `noise` as all others; those whose samples are `given` do not draw.
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

  /// Whether presences weigh the counts instead of picking one.
  public var isMarginal: Bool {
    if case .marginal = discrete { return true }
    return false
  }

  /// A normal node with a normal prior: mean + deviation * noise, the mean, or a sample of the prior. All [batch, n]; the prior also [n].
  public func normal(
    _ node: String, step: Int, mean: Tensor, deviation: Tensor, priorMean: Tensor, priorDeviation: Tensor
  ) -> NormalLatent {
    normal(node, step: step, mean: mean, deviation: deviation, prior: NormalPrior(priorMean, priorDeviation))
  }

  /// A normal node whose prior may depend, number by number, on those before: mean and deviation [batch, n].
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

  /// A Bernoulli node with the given logits [batch] and prior log-odds, [batch] or a scalar.
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

  /// A presence [batch] that is no latent: 1, but 0 beyond the number of objects that a draw of the prior was asked for.
  public func certain(step: Int, batch: Int) -> Tensor {
    if case .prior(let objects?) = discrete, step >= objects { return .zeros([batch]) }
    return .ones([batch])
  }

  /// A categorical node with the given logits [batch, K] and a uniform prior.
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

  /// Standard normal noise for something that is no latent of the scene.
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

/// A normal prior, whose mean and deviation may depend on what is drawn.
public struct NormalPrior {
  /// Number of groups in which the node's numbers are drawn one after the other.
  let stages: Int
  /// Mean and deviation given the node's value [batch, n]; those of a group depend on the groups before it alone.
  let parameters: (Tensor) -> (mean: Tensor, deviation: Tensor)

  public init(stages: Int, _ parameters: @escaping (Tensor) -> (mean: Tensor, deviation: Tensor)) {
    (self.stages, self.parameters) = (stages, parameters)
  }

  /// The same whatever is drawn.
  public init(_ mean: Tensor, _ deviation: Tensor) { self.init(stages: 1) { _ in (mean, deviation) } }
}

/// Collects the noise that a pass uses, for `airframe export-step`: normals of normal nodes, uniforms of discrete ones.
public final class NoiseRecord {
  public private(set) var entries: [(node: String, step: Int, noise: Tensor)] = []
  public init() {}
  fileprivate func add(_ node: String, _ step: Int, _ noise: Tensor) { entries.append((node, step, noise)) }
}
