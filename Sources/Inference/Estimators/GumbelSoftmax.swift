import Layers
import Tensors

/// Gumbel-softmax: relaxed discrete samples with a path-wise gradient, which is biased but has low variance.
/// Maddison et al. 2016; Jang et al. 2016.
public final class GumbelSoftmax: Estimator {
  public typealias Config = RelaxationConfig

  public let store = ParameterStore()
  public let rate: Schedule? = nil
  public let statistics: [Parameter] = []
  private let config: Config

  public init(_ config: Config) { self.config = config }

  public func estimate(_ model: any InferenceModel, _ images: Tensor, at step: Int, noise: EstimatorNoise) -> Estimate {
    let relaxation = config.relaxation(at: step)
    let pass = model.infer(images, drawing: noise.draw(.relaxed(relaxation), at: step))
    var estimate = Estimate(pass, losses: [("objective", pass.loss(pass.cost))])
    estimate.diagnostics += [("temperature", Double(relaxation.presence.posterior))]
    estimate.constants += [("temperature", Tensor(shape: [1], [relaxation.presence.posterior]))]
    return estimate
  }
}
