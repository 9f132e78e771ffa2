import Configuration
import Layers

/// How an estimator relaxes discrete nodes during training.
public struct RelaxationConfig: Configurable {
  public var temperature = Schedule(1)
  public var priorTemperature = Schedule(1)
  public var categoryTemperature = Schedule(0)
  public var categoryPriorTemperature = Schedule(0)
  public var straightThrough = false
  public var relaxedKL = Relaxation.KL.categorical
  public init() {}
  public static let fields: [Field<RelaxationConfig>] = [
    .schedule("temperature", \.temperature, in: 1e-3...100, "temperature of the posterior's relaxation"),
    .schedule(
      "prior_temperature", \.priorTemperature, in: 1e-3...100, "temperature of the prior, for relaxed_kl: density"),
    .schedule(
      "category_temperature", \.categoryTemperature, in: 0...100,
      "posterior temperature of categories and memory slots; 0: as `temperature`"),
    .schedule(
      "category_prior_temperature", \.categoryPriorTemperature, in: 0...100,
      "prior temperature of categories and memory slots; 0: as `prior_temperature`"),
    .flag("straight_through", \.straightThrough, "hard values forward, relaxed gradients"),
    .choice("relaxed_kl", \.relaxedKL, "KL of relaxed nodes: of densities, at the soft sample, or in closed form"),
  ]

  func relaxation(at step: Int) -> Relaxation {
    func value(_ schedule: Schedule) -> Float { Float(schedule.value(at: .step(step))) }
    let presence = Relaxation.Temperatures(posterior: value(temperature), prior: value(priorTemperature))
    let category = Relaxation.Temperatures(
      posterior: value(categoryTemperature), prior: value(categoryPriorTemperature))
    return Relaxation(
      presence, categories: category.replacingZeros(by: presence), isStraightThrough: straightThrough, kl: relaxedKL)
  }
}
