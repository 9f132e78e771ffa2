import Configuration
import Layers
import Tensors

/// The exact objective and gradient: one pass per joint outcome of the discrete nodes, weighted by its probability.
///
/// In a pass, every image has the same outcome. All passes use the same continuous noise. The estimator is meant for
/// tests and small studies: a scene of up to T objects with K categories has sum_(n <= T) K^n outcomes.
///
/// Penalties on the whole batch have no per-image expectation. Each pass weights them by its mean probability over the
/// batch, and no gradient flows through this weight.
public final class Enumeration: Estimator {
  public struct Config: EstimatorConfig {
    public var limit = 100
    public init() {}
    public static let fields: [Field<Config>] = [
      .integer("limit", \.limit, in: 1...100_000, "the most outcomes of an image that are listed; each takes a pass")
    ]

    public func obstacle(steps: Int, nodes: [DiscreteNode]) -> String? {
      let count = SceneOutcomes(steps: steps, nodes: nodes).count
      guard count > limit else { return nil }
      let number = count == .max ? "beyond counting" : "\(count)"
      return "'enumerate' takes a pass for each outcome of \(steps) steps, and there are \(number), above its limit of "
        + "\(limit); take fewer steps or categories, raise estimator.limit, or choose another estimator"
    }
  }

  public let store = ParameterStore()
  public let rate: Schedule? = nil
  public let statistics: [Parameter] = []
  private let outcomes: SceneOutcomes

  /// Throws `ConfigurationError` for a model with too many outcomes.
  public init(_ config: Config, _ context: EstimatorContext) throws {
    let shape = context.shape
    if let obstacle = config.obstacle(steps: shape.steps, nodes: shape.discreteNodes) {
      throw ConfigurationError("estimator: \(obstacle)", at: nil)
    }
    outcomes = SceneOutcomes(steps: shape.steps, nodes: shape.discreteNodes)
  }

  public func estimate(_ model: any InferenceModel, _ images: Tensor, at step: Int, noise: EstimatorNoise) -> Estimate {
    let batch = images.shape[0]
    // The penalties are summed separately: they would lose precision when added to the sum of many costs.
    var (objective, penalties) = (Tensor(0), Tensor(0))
    var terms: [(name: String, value: Tensor)] = []
    var diagnostics: [(name: String, value: Double)] = []
    for (number, outcome) in outcomes.listed.enumerated() {
      let given = outcomes.samples(outcome, batch: batch)
      let noise = number == 0 ? noise : noise.unrecorded
      let pass = model.infer(images, drawing: noise.draw(.sampled, at: step, given: given))
      let probability = pass.logProbability?.exp() ?? .ones([batch])
      objective = objective + (probability * pass.cost).mean()
      let share = probability.detached().mean().scalar
      for penalty in pass.penalties.compactMap(\.batch) { penalties = penalties + penalty.scaled(by: share) }
      let own = Estimate(pass, losses: [])
      let ownTerms = own.terms.map { (name: $0.name, value: probability.detached() * $0.value) }
      let ownDiagnostics = own.diagnostics.map { (name: $0.name, value: Double(share) * $0.value) }
      terms = number == 0 ? ownTerms : zip(terms, ownTerms).map { ($0.name, $0.value + $1.value) }
      diagnostics =
        number == 0 ? ownDiagnostics : zip(diagnostics, ownDiagnostics).map { ($0.name, $0.value + $1.value) }
    }
    var estimate = Estimate(losses: [("objective", objective + penalties)], terms: terms)
    estimate.diagnostics = diagnostics
    return estimate
  }
}
