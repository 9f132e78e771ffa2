import CKernels
import Configuration
import Tensors

/// RMSProp with momentum: v = d v + (1 - d) g^2; b = m b + rate g / (sqrt(v) + epsilon); p -= b. Tieleman and Hinton
/// 2012.
public final class RMSProp: Optimizer {
  public struct Config: Configurable {
    public var rate = Schedule(1e-4)
    public var decay = 0.9
    public var momentum = 0.9
    public var epsilon = 1e-8
    public init() {}
    public static let fields: [Field<Config>] = [
      .schedule("rate", \.rate, in: 0...10, "step size"),
      .number("decay", \.decay, in: 0...0.99999, "decay of the running square"),
      .number("momentum", \.momentum, in: 0...0.99999, "share of the last update that is kept"),
      .number("epsilon", \.epsilon, in: 0...1, "added to the root of the running square"),
    ]
  }

  public let parameters: [Parameter]
  private let config: Config
  private let rate: Schedule
  private let squares: [Parameter]
  private let updates: [Parameter]

  public init(_ config: Config, _ context: OptimizerContext) {
    parameters = context.parameters
    self.config = config
    rate = context.rate ?? config.rate
    squares = buffers("square", like: parameters)
    updates = buffers("update", like: parameters)
  }

  public var state: [Parameter] { squares + updates }

  public func update(_ gradients: [Tensor], scales: [Float], at step: Int) {
    let (config, rate) = (self.config, Float(rate.value(at: .step(step))))
    for index in parameters.indices {
      let (parameter, scale) = (parameters[index].pointer, scales[index])
      let (square, last) = (squares[index].pointer, updates[index].pointer)
      gradients[index].forEachPart { part, gradient in
        let start = part.lowerBound
        ck_rmsprop(
          Int64(part.count), parameter + start, gradient, square + start, last + start, scale, rate,
          Float(config.decay), Float(config.momentum), Float(config.epsilon))
      }
    }
  }
}
