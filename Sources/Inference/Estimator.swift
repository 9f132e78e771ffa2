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

  public init(_ stream: RandomStream, discrete: RandomStream? = nil, record: NoiseRecord? = nil) {
    (self.stream, self.discrete, self.record) = (stream, discrete, record)
  }

  func draw(_ discrete: Draw.Discrete, at step: Int) -> Draw {
    Draw(discrete, noise: stream, discreteNoise: self.discrete, progress: .step(step), record: record)
  }
}

/// What an estimator makes of a batch.
public struct Estimate {
  /// Scalars to differentiate, by name; their sum is the loss.
  public var losses: [(name: String, value: Tensor)]
  /// Per-image terms [batch], by name, for reports.
  public var terms: [(name: String, value: Tensor)]
  /// Numbers about the estimator itself, for logs.
  public var diagnostics: [(name: String, value: Double)]
  /// Constants that entered, and each penalty (for `export-step`).
  public var constants: [(name: String, value: Tensor)]

  public init(_ pass: Pass, losses: [(name: String, value: Tensor)]) {
    self.losses = losses
    terms = pass.reported
    diagnostics = pass.penalties.flatMap { penalty in
      [(penalty.name, penalty.value)] + (penalty.violated.map { [("\(penalty.name)_violated", $0)] } ?? [])
    }
    constants = pass.penalties.map { ("penalty/\($0.name)", Tensor(shape: [1], [Float($0.value)])) }
  }

  /// The scalar whose gradient is followed.
  public var loss: Tensor { losses.dropFirst().reduce(losses[0].value) { $0 + $1.value } }
}

/// What an estimator is made for.
public struct EstimatorContext {
  public let shape: ContextShape
  public let random: RandomStream
  public init(shape: ContextShape, random: RandomStream) { (self.shape, self.random) = (shape, random) }
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
  ])
