import Configuration
import Layers

/// How an estimator relaxes discrete nodes, over the course of a training.
public struct RelaxationConfig: Configurable {
  public var temperature = Schedule(1)
  public var priorTemperature = Schedule(1)
  public var straightThrough = false
  public var relaxedKL = Relaxation.KL.categorical
  public init() {}
  public static let fields: [Field<RelaxationConfig>] = [
    .schedule("temperature", \.temperature, in: 1e-3...100, "temperature of the posterior's relaxation"),
    .schedule(
      "prior_temperature", \.priorTemperature, in: 1e-3...100, "temperature of the prior, for relaxed_kl: density"),
    .flag("straight_through", \.straightThrough, "hard values forward, relaxed gradients"),
    .choice("relaxed_kl", \.relaxedKL, "KL of relaxed nodes: of densities, at the soft sample, or in closed form"),
  ]

  func relaxation(at step: Int) -> Relaxation {
    Relaxation(
      temperature: Float(temperature.value(at: .step(step))),
      priorTemperature: Float(priorTemperature.value(at: .step(step))), isStraightThrough: straightThrough,
      kl: relaxedKL)
  }
}
