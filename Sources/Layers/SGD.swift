import CKernels
import Configuration
import Tensors

/// Stochastic gradient descent with momentum: b = m b + g; p -= rate b.  Polyak 1964.
public final class SGD: Optimizer {
  public struct Config: Configurable {
    public var rate = Schedule(1e-3)
    public var momentum = 0.9
    public init() {}
    public static let fields: [Field<Config>] = [
      .schedule("rate", \.rate, in: 0...10, "step size"),
      .number("momentum", \.momentum, in: 0...0.99999, "share of the last update that is kept"),
    ]
  }

  public let parameters: [Parameter]
  private let config: Config
  private let rate: Schedule
  private let updates: [Parameter]

  public init(_ config: Config, _ context: OptimizerContext) {
    parameters = context.parameters
    self.config = config
    rate = context.rate ?? config.rate
    updates = buffers("update", like: parameters)
  }

  public var state: [Parameter] { updates }

  public func update(_ gradients: [Tensor], scales: [Float], at step: Int) {
    let (config, rate) = (self.config, Float(rate.value(at: .step(step))))
    for index in parameters.indices {
      let (parameter, last, scale) = (parameters[index].pointer, updates[index].pointer, scales[index])
      gradients[index].forEachPart { part, gradient in
        let start = part.lowerBound
        ck_sgd(
          Int64(part.count), parameter + start, gradient, last + start, scale, rate, Float(config.momentum))
      }
    }
  }
}
