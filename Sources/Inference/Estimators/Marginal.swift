import Layers
import Tensors

/// The exact sum over the T + 1 counts from one pass, without a score function or relaxed presences.
///
/// Given the image, the continuous noise and the categories of earlier steps, presences are independent trials.
/// Therefore log q(n) = sum_(t <= n) log sigmoid(l_t) + log sigmoid(-l_(n + 1)), without the last term for n = T, and
/// the bound is differentiated through q(n). Categorical nodes are relaxed.
public final class Marginal: Estimator {
  /// How categorical nodes are relaxed; the sum does not cover them.
  public typealias Config = RelaxationConfig

  public let store = ParameterStore()
  public let rate: Schedule? = nil
  public let statistics: [Parameter] = []

  private let config: Config

  public init(_ config: Config = Config()) { self.config = config }

  public func estimate(_ model: any InferenceModel, _ images: Tensor, at step: Int, noise: EstimatorNoise) -> Estimate {
    let pass = model.infer(images, drawing: noise.draw(.marginal(others: config.relaxation(at: step)), at: step))
    return Estimate(pass, losses: [("objective", pass.loss(pass.cost))])
  }
}
