import Layers
import Tensors

/// The exact sum over the T + 1 counts from one pass: no score function, no relaxation of presence. Categorical nodes are
/// relaxed.
///
/// Presences are independent trials given the image, the continuous noise and earlier categories, so
/// log q(n) = sum_(t <= n) log sigmoid(l_t) + log sigmoid(-l_(n + 1)), and the bound is differentiated through q(n).
public final class Marginal: Estimator {
  /// How categorical nodes, which are not summed over, are relaxed.
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
