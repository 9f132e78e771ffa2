import CKernels
import Configuration
import Glibc
import Tensors

/// Adam with bias correction.  Kingma and Ba 2015, algorithm 1.
public final class Adam: Optimizer {
  public struct Config: Configurable {
    public var rate = Schedule(3e-4)
    public var firstDecay = 0.9
    public var secondDecay = 0.999
    public var epsilon = 1e-8
    public init() {}
    public static let fields: [Field<Config>] = [
      .schedule("rate", \.rate, in: 0...10, "step size"),
      .number("first_decay", \.firstDecay, in: 0...0.99999, "decay of the gradient's running mean (beta 1)"),
      .number("second_decay", \.secondDecay, in: 0...0.9999999, "decay of its running square (beta 2)"),
      .number("epsilon", \.epsilon, in: 0...1, "added to the root of the running square"),
    ]
  }

  public let parameters: [Parameter]
  private let config: Config
  private let rate: Schedule
  private let means: [Parameter]
  private let squares: [Parameter]

  public init(_ config: Config, _ context: OptimizerContext) {
    parameters = context.parameters
    self.config = config
    rate = context.rate ?? config.rate
    means = buffers("mean", like: parameters)
    squares = buffers("square", like: parameters)
  }

  public var state: [Parameter] { means + squares }

  public func update(_ gradients: [Tensor], scales: [Float], at step: Int) {
    let count = Double(step + 1)
    let (first, second) = (1 - pow(config.firstDecay, count), (1 - pow(config.secondDecay, count)).squareRoot())
    let (config, size) = (self.config, Float(rate.value(at: .step(step)) * second / first))
    for index in parameters.indices {
      let (parameter, scale) = (parameters[index].pointer, scales[index])
      let (mean, square) = (means[index].pointer, squares[index].pointer)
      gradients[index].forEachPart { part, gradient in
        let start = part.lowerBound
        ck_adam(
          Int64(part.count), parameter + start, gradient, mean + start, square + start, scale, size,
          Float(config.firstDecay), Float(config.secondDecay), Float(config.epsilon * second))
      }
    }
  }
}
