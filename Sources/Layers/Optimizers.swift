import Configuration
import Tensors

/// Updates parameters from their gradients, and keeps the state from earlier steps that it needs.
public protocol Optimizer: AnyObject {
  var parameters: [Parameter] { get }
  /// Makes the update of training step `step` (from 0). Gradients are in the order of the parameters; each is
  /// multiplied by its entry of `scales`.
  func update(_ gradients: [Tensor], scales: [Float], at step: Int)
  /// The tensors that a checkpoint must store, by name.
  var state: [Parameter] { get }
}

/// The parameters that an optimizer updates, and their learning rate.
public struct OptimizerContext {
  public let parameters: [Parameter]
  /// Replaces the learning rate of the config (for a baseline that has its own rate).
  public let rate: Schedule?
  public init(parameters: [Parameter], rate: Schedule? = nil) {
    self.parameters = parameters
    self.rate = rate
  }
}

/// All optimizers that a config can name.
public let optimizers = Registry<OptimizerContext, any Optimizer>(
  "optimizer",
  [
    .entry("adam", "Kingma and Ba 2015", defaults: Adam.Config()) { Adam($0, $1) },
    .entry("rmsprop", "Tieleman and Hinton 2012, with momentum", defaults: RMSProp.Config()) { RMSProp($0, $1) },
    .entry("sgd", "stochastic gradient descent with momentum", defaults: SGD.Config()) { SGD($0, $1) },
  ])

/// The buffers of an optimizer, one for each parameter, zero at the start.
func buffers(_ name: String, like parameters: [Parameter]) -> [Parameter] {
  parameters.map { Parameter("\(name)/\($0.name)", .zeros($0.shape)) }
}

/// How gradients are clipped before an update.
public struct Clipping: Sendable {
  /// The largest norm of all gradients together; 0 means no limit.
  public var globalNorm: Double
  /// The largest norm of each parameter's gradient; 0 means no limit.
  public var parameterNorm: Double

  public init(globalNorm: Double = 0, parameterNorm: Double = 0) {
    (self.globalNorm, self.parameterNorm) = (globalNorm, parameterNorm)
  }

  /// The norm before clipping, and the factor for each gradient. The norm is not finite if any gradient is not.
  public func scales(for gradients: [Tensor]) -> (norm: Double, scales: [Float]) {
    let squares = gradients.map { $0.sumOfSquares() }
    let norm = squares.reduce(0, +).squareRoot()
    let shared = globalNorm > 0 && norm > globalNorm ? globalNorm / norm : 1
    let scales = squares.map { square in
      let own = square.squareRoot() * shared
      return Float(parameterNorm > 0 && own > parameterNorm ? shared * parameterNorm / own : shared)
    }
    return (norm, scales)
  }
}
