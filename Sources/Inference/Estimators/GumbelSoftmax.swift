import Configuration
import Layers
import Tensors

/// Relaxed discrete samples whose gradient is followed as it is: biased, of low variance.
/// Maddison et al. 2016; Jang et al. 2016.
public final class GumbelSoftmax: Estimator {
  public struct Config: Configurable {
    public var temperature = Schedule(1)
    public var priorTemperature = Schedule(1)
    public var straightThrough = false
    public var relaxedKL = Relaxation.KL.categorical
    public init() {}
    public static let fields: [Field<Config>] = [
      .schedule("temperature", \.temperature, in: 1e-3...100, "temperature of the posterior's relaxation"),
      .schedule(
        "prior_temperature", \.priorTemperature, in: 1e-3...100, "temperature of the prior, for relaxed_kl: density"),
      .flag("straight_through", \.straightThrough, "hard values forward, relaxed gradients"),
      .choice("relaxed_kl", \.relaxedKL, "KL of relaxed nodes: of densities, at the soft sample, or in closed form"),
    ]
  }

  public let store = ParameterStore()
  public let rate: Schedule? = nil
  public let statistics: [Parameter] = []
  private let config: Config

  public init(_ config: Config) { self.config = config }

  public func estimate(_ model: any InferenceModel, _ images: Tensor, at step: Int, noise: EstimatorNoise) -> Estimate {
    let temperature = Float(config.temperature.value(at: .step(step)))
    let relaxation = Relaxation(
      temperature: temperature, priorTemperature: Float(config.priorTemperature.value(at: .step(step))),
      isStraightThrough: config.straightThrough, kl: config.relaxedKL)
    let pass = model.infer(images, drawing: noise.draw(.relaxed(relaxation), at: step))
    var estimate = Estimate(pass, losses: [("objective", pass.negativeBound.mean())])
    estimate.diagnostics = [("temperature", Double(temperature))]
    estimate.constants = [("temperature", Tensor(shape: [1], [temperature]))]
    return estimate
  }
}
