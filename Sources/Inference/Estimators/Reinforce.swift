import Configuration
import Layers
import Tensors

/// The plain score function: the signal of every decision is its image's whole cost minus a moving average of costs.
/// Williams 1992; Kosiorek 2017, section 5.1.
///
/// The moving average includes only earlier training steps, so it does not bias the gradient.
public final class Reinforce: Estimator {
  public struct Config: Configurable {
    public enum Baseline: String, CaseIterable, Sendable {
      case runningMean = "running_mean"
      case none
    }

    public var baseline = Baseline.runningMean
    public var movingAverage = 0.99
    public init() {}
    public static let fields: [Field<Config>] = [
      .choice("baseline", \.baseline, "what is subtracted from costs: the moving average of earlier steps, or nothing"),
      .number("moving_average", \.movingAverage, in: 0...0.99999, "decay of the moving average"),
    ]
  }

  public let store = ParameterStore()
  public let rate: Schedule? = nil
  private let config: Config
  private let running: RunningStatistics

  public init(_ config: Config = Config()) {
    self.config = config
    running = RunningStatistics("reinforce", decay: config.movingAverage, decisions: 1)
  }

  public var statistics: [Parameter] { running.parameters }

  public func estimate(_ model: any InferenceModel, _ images: Tensor, at step: Int, noise: EstimatorNoise) -> Estimate {
    let pass = model.infer(images, drawing: noise.draw(.sampled, at: step))
    guard let logProbability = pass.logProbability else {
      return Estimate(pass, losses: [("objective", pass.loss(pass.cost))])
    }
    let cost = pass.cost.detached()
    let mean = config.baseline == .runningMean ? running.mean(0) : 0
    var estimate = Estimate(pass, losses: [("objective", pass.loss(pass.cost + (cost - mean) * logProbability))])
    estimate.constants.append(("baseline", Tensor(shape: [1], [mean])))
    if let deviations = running.update([.init(cost: cost, residual: cost - mean, mask: .ones(cost.shape))]) {
      estimate.diagnostics.append(("signal_deviation", deviations.signal))
    }
    return estimate
  }
}
