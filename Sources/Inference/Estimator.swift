import Configuration
import Layers
import Tensors

/// Turns a model's passes over a batch into scalar losses whose gradients train the model.
///
/// A model does not know which estimator runs it. An estimator runs the model as often as it needs and chooses the draw
/// of each pass.
public protocol Estimator: AnyObject {
  /// Returns the estimate for a batch [batch, channel, height, width] at a training step, using that step's noise.
  func estimate(_ model: any InferenceModel, _ images: Tensor, at step: Int, noise: EstimatorNoise) -> Estimate
  /// Parameters that the estimator trains itself, such as those of a baseline.
  var store: ParameterStore { get }
  /// The learning rate of the estimator's own parameters; nil if it has none.
  var rate: Schedule? { get }
  /// Running statistics that must be saved in a checkpoint.
  var statistics: [Parameter] { get }
}

/// The noise of one training step, which can be recorded.
public struct EstimatorNoise {
  public let stream: RandomStream
  /// A separate stream for discrete nodes, for new discrete samples on the same continuous noise; nil to use `stream`.
  public let discrete: RandomStream?
  public let record: NoiseRecord?
  /// Collects gradients with respect to the logits of discrete nodes.
  public let probe: LogitProbe?

  public init(
    _ stream: RandomStream, discrete: RandomStream? = nil, record: NoiseRecord? = nil, probe: LogitProbe? = nil
  ) {
    (self.stream, self.discrete, self.record, self.probe) = (stream, discrete, record, probe)
  }

  /// The same noise for a further pass, without the record, so that the noise is not recorded twice.
  var unrecorded: EstimatorNoise { EstimatorNoise(stream, discrete: discrete, probe: probe) }

  /// The same noise, without record or probe, for a pass that contributes no gradient to the estimate.
  var unobserved: EstimatorNoise { EstimatorNoise(stream, discrete: discrete) }

  func draw(
    _ discrete: Draw.Discrete, at step: Int, copies: Int = 1, given: NodeSamples = NodeSamples()
  ) -> Draw {
    Draw(
      discrete, noise: stream, discreteNoise: self.discrete, progress: .step(step), copies: copies, given: given,
      record: record, probe: probe)
  }
}

/// What an estimator computes from a batch.
public struct Estimate {
  /// The scalars to differentiate, by name.
  public var losses: [(name: String, value: Tensor)]
  /// An additional loss, with the factor that multiplies its gradient.
  public var scaled: ScaledLoss?
  /// Per-image terms [batch] to report, by name.
  public var terms: [(name: String, value: Tensor)]
  /// Numbers about the estimator itself, for the log.
  public var diagnostics: [(name: String, value: Double)]
  /// The constants that were used, and each penalty (for `export-step`).
  public var constants: [(name: String, value: Tensor)]

  public init(losses: [(name: String, value: Tensor)], terms: [(name: String, value: Tensor)]) {
    (self.losses, self.terms, diagnostics, constants) = (losses, terms, [], [])
  }

  public init(_ pass: Pass, losses: [(name: String, value: Tensor)]) {
    self.init(losses: losses, terms: pass.reported)
    diagnostics = pass.penalties.flatMap { penalty in
      [("\(penalty.name)_penalty", penalty.value)] + (penalty.violated.map { [("\(penalty.name)_violated", $0)] } ?? [])
    }
    constants = pass.penalties.map { ("penalty/\($0.name)", Tensor(shape: [1], [Float($0.value)])) }
  }

  /// The scalar whose gradient is followed: the sum of the losses, plus the scaled loss times its scale.
  public var loss: Tensor { scaled.map { sum + $0.value.scaled(by: $0.scale.tensor.scalar) } ?? sum }

  private var sum: Tensor { losses.dropFirst().reduce(losses[0].value) { $0 + $1.value } }

  /// Returns the gradient for each parameter, in the order of `parameters`.
  ///
  /// For the scale of a scaled loss, this is the derivative of the gradient's squared norm (see `ScaledLoss`). For all
  /// other parameters, it is the gradient of `loss`. The call walks the tape and then releases it. The calling thread
  /// owns the elements of the returned tensors.
  public func gradients(for parameters: [Parameter]) -> [Tensor] {
    guard let scaled else { return deferredGradients(of: loss, for: parameters) }
    let slopes = Tensors.gradients(of: scaled.value, for: parameters, retainingTape: true)
    let scale = scaled.scale.tensor.scalar
    let whole = zip(Tensors.gradients(of: sum, for: parameters), slopes).map { $0 + $1.scaled(by: scale) }
    let product = zip(whole, slopes).reduce(0.0) { $0 + Double(($1.0 * $1.1).sum().scalar) }
    // If the product overflows, training is diverging. A slope of 0 keeps the scale finite until that is detected.
    let slope = Float(2 * product)
    return zip(parameters, whole).map {
      $0 === scaled.scale ? Tensor(repeating: slope.isFinite ? slope : 0, shape: $0.shape) : $1
    }
  }
}

/// A control variate: a loss whose gradient has mean zero at every scale.
///
/// Let a be the gradient of all other losses and b the gradient of this loss. The scale eta descends along
/// d |a + eta b|^2 / d eta = 2 <a + eta b, b>. The mean of this derivative is the derivative of the variance.
/// Tucker et al. 2017, section 3.2.
public struct ScaledLoss {
  public let value: Tensor
  /// A trained parameter of the estimator, with one element.
  public let scale: Parameter
}

/// What an estimator needs to know about the model when it is created.
public struct EstimatorContext {
  public let shape: ContextShape
  public let random: RandomStream
  public init(shape: ContextShape, random: RandomStream) { (self.shape, self.random) = (shape, random) }
}

/// The config of an estimator that does not work with every model.
public protocol EstimatorConfig: Configurable {
  /// Why the estimator cannot train a model with this number of steps and these discrete nodes, and what to change; nil
  /// if it can.
  func obstacle(steps: Int, nodes: [DiscreteNode]) -> String?
}

/// All estimators, one entry each.
public let estimators = Registry<EstimatorContext, any Estimator>(
  "estimator",
  [
    .entry("nvil", "score function with a learned baseline", defaults: NVIL.Config()) { NVIL($0, $1) },
    .entry("gumbel-softmax", "relaxed discrete samples", defaults: GumbelSoftmax.Config()) { config, _ in
      GumbelSoftmax(config)
    },
    .entry("marginal", "the exact sum over counts, from one pass", defaults: Marginal.Config()) { config, _ in
      Marginal(config)
    },
    .entry("reinforce", "score function of the whole cost", defaults: Reinforce.Config()) { config, _ in
      Reinforce(config)
    },
    .entry("vimco", "several particles, each other's baselines", defaults: VIMCO.Config()) { config, _ in
      VIMCO(config)
    },
    .entry("rebar", "score function with a relaxed control variate", defaults: REBAR.Config()) { REBAR($0, $1) },
    .entry("enumerate", "the exact sum over all outcomes, a pass for each", defaults: Enumeration.Config()) {
      try Enumeration($0, $1)
    },
  ])
