import Configuration
import Layers
import Tensors

/// Neural variational inference and learning: the score function with the cost to go of each decision minus a learned
/// baseline.  Mnih and Gregor 2014; Kosiorek 2017, section 5.2.
///
/// Each variance reduction has a switch: the learned baseline and costs to go (on by default), centering and variance
/// normalization (off by default). With all of them off, this is `reinforce` without a baseline.
public final class NVIL: Estimator {
  public struct Config: Configurable {
    public var learnedBaseline = true
    public var baseline = Baseline.Config()
    public var costsToGo = true
    public var centering = false
    public var varianceNormalization = false
    public var movingAverage = 0.99
    public init() {}
    public static let fields: [Field<Config>] = [
      .flag("learned_baseline", \.learnedBaseline, "subtract what a network expects of the cost"),
      .section("baseline", \.baseline, "the learned baseline"),
      .flag("costs_to_go", \.costsToGo, "a decision answers for what comes after it; false: for the whole cost"),
      .flag("centering", \.centering, "subtract a moving average of each decision's cost"),
      .flag(
        "variance_normalization", \.varianceNormalization, "divide by the signal's running deviation where above 1"),
      .number("moving_average", \.movingAverage, in: 0...0.99999, "decay of the running statistics"),
    ]
  }

  public let store = ParameterStore()
  public let rate: Schedule?
  private let config: Config
  private let nodes: [String]
  private let baseline: Baseline?
  /// The running statistics of each decision, in causal order.
  private let running: RunningStatistics

  public init(_ config: Config, _ context: EstimatorContext) {
    self.config = config
    nodes = context.shape.discreteNodes.map(\.name)
    // A model without discrete nodes needs no score function, and so no baseline.
    let isLearned = config.learnedBaseline && !nodes.isEmpty
    rate = isLearned ? config.baseline.rate : nil
    baseline =
      isLearned
      ? Baseline(config.baseline, context.shape, in: Scope(store, random: context.random).child("baseline")) : nil
    running = RunningStatistics("nvil", decay: config.movingAverage, decisions: context.shape.decisions)
  }

  public var statistics: [Parameter] { nodes.isEmpty ? [] : running.parameters }

  public func estimate(_ model: any InferenceModel, _ images: Tensor, at step: Int, noise: EstimatorNoise) -> Estimate {
    let pass = model.infer(images, drawing: noise.draw(.sampled, at: step))
    let decisions = pass.decisions
    guard !decisions.isEmpty else { return Estimate(pass, losses: [("objective", pass.loss(pass.cost))]) }
    let predictions = baseline?(pass.contexts)
    var objective = pass.cost
    var baselineLoss: Tensor?
    var measured: [RunningStatistics.Measurement] = []
    for (index, (term, costToGo)) in decisions.enumerated() {
      guard let logProbability = term.logProbability(), let column = nodes.firstIndex(of: term.node) else { continue }
      let cost = config.costsToGo ? costToGo : pass.cost.detached()
      var residual = cost - (config.centering ? running.mean(index) : 0)
      if let predictions {
        residual = residual - predictions[term.step].columns(column..<column + 1).reshaped(cost.shape)
      }
      let scale = config.varianceNormalization ? 1 / max(1, running.deviation(index)) : 1
      objective = objective + term.mask.detached() * residual.detached().scaled(by: scale) * logProbability
      let loss = term.mask.detached() * residual.squared()
      baselineLoss = baselineLoss.map { $0 + loss } ?? loss
      measured.append(.init(cost: cost, residual: residual.detached(), mask: term.mask.detached()))
    }
    var estimate = Estimate(pass, losses: [("objective", pass.loss(objective))])
    if baseline != nil, let baselineLoss { estimate.losses.append(("baseline", baselineLoss.mean())) }
    estimate.constants += [
      ("centering", Tensor(shape: [decisions.count], decisions.indices.map { config.centering ? running.mean($0) : 0 }))
    ]
    if let deviations = running.update(measured) {
      estimate.diagnostics.append(("signal_deviation", deviations.signal))
      if baseline != nil { estimate.diagnostics.append(("residual_deviation", deviations.residual)) }
    }
    return estimate
  }
}
