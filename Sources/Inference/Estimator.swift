import Configuration
import Layers
import Tensors

/// Turns a model's passes over a batch into scalars whose gradients train it.
///
/// A model never knows its estimator; an estimator runs the model as often as it needs, each time with a draw of its choice.
public protocol Estimator: AnyObject {
  /// The estimate for a batch [batch, channel, height, width] at a training step, on that step's noise.
  func estimate(_ model: any InferenceModel, _ images: Tensor, at step: Int, noise: EstimatorNoise) -> Estimate
  /// Trained parameters of its own (a baseline), and the rate at which they learn.
  var store: ParameterStore { get }
  var rate: Schedule? { get }
  /// Running statistics that a checkpoint must hold.
  var statistics: [Parameter] { get }
}

/// The noise of one training step, recorded on request.
public struct EstimatorNoise {
  public let stream: RandomStream
  /// The stream of discrete nodes where it is not that of the others: other samples on the same continuous noise.
  public let discrete: RandomStream?
  public let record: NoiseRecord?
  /// For gradients with respect to the logits of discrete nodes.
  public let probe: LogitProbe?

  public init(
    _ stream: RandomStream, discrete: RandomStream? = nil, record: NoiseRecord? = nil, probe: LogitProbe? = nil
  ) {
    (self.stream, self.discrete, self.record, self.probe) = (stream, discrete, record, probe)
  }

  /// The same noise for a further pass, which would be recorded twice.
  var unrecorded: EstimatorNoise { EstimatorNoise(stream, discrete: discrete, probe: probe) }

  /// The same noise for a pass on which no gradient of the estimate depends.
  var unobserved: EstimatorNoise { EstimatorNoise(stream, discrete: discrete) }

  func draw(
    _ discrete: Draw.Discrete, at step: Int, copies: Int = 1, given: NodeSamples = NodeSamples()
  ) -> Draw {
    Draw(
      discrete, noise: stream, discreteNoise: self.discrete, progress: .step(step), copies: copies, given: given,
      record: record, probe: probe)
  }
}

/// What an estimator makes of a batch.
public struct Estimate {
  /// Scalars to differentiate, by name.
  public var losses: [(name: String, value: Tensor)]
  /// A further loss, with the factor that it is followed by.
  public var scaled: ScaledLoss?
  /// Per-image terms [batch], by name, for reports.
  public var terms: [(name: String, value: Tensor)]
  /// Numbers about the estimator itself, for logs.
  public var diagnostics: [(name: String, value: Double)]
  /// Constants that entered, and each penalty (for `export-step`).
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

  /// The scalar whose gradient is followed: the sum of the losses, and the scaled one as often as its scale says.
  public var loss: Tensor { scaled.map { sum + $0.value.scaled(by: $0.scale.tensor.scalar) } ?? sum }

  private var sum: Tensor { losses.dropFirst().reduce(losses[0].value) { $0 + $1.value } }

  /// What parameters follow, in their order: the gradient of the loss, and for the scale of a scaled loss the slope of that gradient's
  /// squared length. Walks the tape, which then is released. Their elements belong to the thread that asks for them.
  public func gradients(for parameters: [Parameter]) -> [Tensor] {
    guard let scaled else { return deferredGradients(of: loss, for: parameters) }
    let slopes = Tensors.gradients(of: scaled.value, for: parameters, retainingTape: true)
    let scale = scaled.scale.tensor.scalar
    let whole = zip(Tensors.gradients(of: sum, for: parameters), slopes).map { $0 + $1.scaled(by: scale) }
    let product = zip(whole, slopes).reduce(0.0) { $0 + Double(($1.0 * $1.1).sum().scalar) }
    // Where that overflows the training diverges; the scale stays a number until that is found.
    let slope = Float(2 * product)
    return zip(parameters, whole).map {
      $0 === scaled.scale ? Tensor(repeating: slope.isFinite ? slope : 0, shape: $0.shape) : $1
    }
  }
}

/// A loss whose gradient is zero on average whatever its scale: a control variate. With a the gradient of all other losses
/// and b that of this one, the scale eta falls along d |a + eta b|^2 / d eta = 2 <a + eta b, b>, whose mean is the slope of the
/// variance.  Tucker et al. 2017, section 3.2.
public struct ScaledLoss {
  public let value: Tensor
  /// A trained parameter of the estimator, of one element.
  public let scale: Parameter
}

/// What an estimator is made for.
public struct EstimatorContext {
  public let shape: ContextShape
  public let random: RandomStream
  public init(shape: ContextShape, random: RandomStream) { (self.shape, self.random) = (shape, random) }
}

/// The config of an estimator that not every model suits.
public protocol EstimatorConfig: Configurable {
  /// What is wrong with a model of so many steps with these discrete nodes, and what to do; nil where nothing is.
  func obstacle(steps: Int, nodes: [DiscreteNode]) -> String?
}

/// All estimators, one line each.
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
