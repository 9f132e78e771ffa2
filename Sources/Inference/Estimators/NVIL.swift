import Configuration
import Layers
import Tensors

/// Neural variational inference and learning: the score function with the cost to go of each decision, minus a learned
/// baseline.  Mnih and Gregor 2014; air-notes 5.2.
public final class NVIL: Estimator {
  public struct Config: Configurable {
    public var baseline = Baseline.Config()
    public var centering = false
    public var varianceNormalization = false
    public var movingAverage = 0.99
    public init() {}
    public static let fields: [Field<Config>] = [
      .section("baseline", \.baseline, "the learned baseline"),
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
  /// nil for a model without discrete nodes, which needs no score function.
  private let baseline: Baseline?
  /// Per decision, in causal order: mean cost; mean square of the residual; number of updates so far.
  private var running: RunningStatistics

  public init(_ config: Config, _ context: EstimatorContext) {
    self.config = config
    rate = config.baseline.rate
    nodes = context.shape.discreteNodes
    baseline =
      nodes.isEmpty
      ? nil : Baseline(config.baseline, context.shape, in: Scope(store, random: context.random).child("baseline"))
    running = RunningStatistics(decay: Float(config.movingAverage), decisions: context.shape.decisions)
  }

  public var statistics: [Parameter] { nodes.isEmpty ? [] : running.parameters }

  public func estimate(_ model: any InferenceModel, _ images: Tensor, at step: Int, noise: EstimatorNoise) -> Estimate {
    let pass = model.infer(images, drawing: noise.draw(.sampled, at: step))
    guard let baseline else { return Estimate(pass, losses: [("objective", pass.loss(pass.cost))]) }
    let predictions = baseline(pass.contexts)
    let decisions = costsToGo(pass)
    var objective = pass.cost
    var baselineLoss: Tensor?
    var measured: [RunningStatistics.Measurement] = []
    for (index, decision) in decisions.enumerated() {
      let term = decision.term
      guard let logProbability = term.logProbability(), let column = nodes.firstIndex(of: term.node) else { continue }
      let center = config.centering ? running.mean(index) : 0
      let target = decision.cost - center
      let prediction = predictions[term.step].columns(column..<column + 1).reshaped(target.shape)
      let residual = target - prediction
      let scale = config.varianceNormalization ? 1 / max(1, running.deviation(index)) : 1
      objective = objective + term.mask.detached() * residual.detached().scaled(by: scale) * logProbability
      let loss = term.mask.detached() * residual.squared()
      baselineLoss = baselineLoss.map { $0 + loss } ?? loss
      measured.append(.init(cost: decision.cost, residual: residual.detached(), mask: term.mask.detached()))
    }
    var estimate = Estimate(pass, losses: [("objective", pass.loss(objective))])
    if let baselineLoss { estimate.losses.append(("baseline", baselineLoss.mean())) }
    estimate.constants += [
      ("centering", Tensor(shape: [decisions.count], decisions.indices.map { config.centering ? running.mean($0) : 0 }))
    ]
    estimate.diagnostics += running.update(measured)
    return estimate
  }

  /// For every discrete node, the cost that its sample influences [batch]: everything after it, the likelihood and the penalties.
  private func costsToGo(_ pass: Pass) -> [(term: Term, cost: Tensor)] {
    var cost = pass.consequences.detached()
    var decisions: [(term: Term, cost: Tensor)] = []
    for term in pass.terms.reversed() {
      if term.isDiscrete { decisions.append((term, cost)) }
      cost = cost + term.weightedKL.detached()
    }
    return decisions.reversed()
  }
}

/// Moving averages over training steps, one of each decision.
private struct RunningStatistics {
  struct Measurement { let cost, residual, mask: Tensor }

  let parameters: [Parameter]
  private let decay: Float
  private var means: Parameter { parameters[0] }
  private var squares: Parameter { parameters[1] }
  private var updates: Parameter { parameters[2] }

  init(decay: Float, decisions: Int) {
    self.decay = decay
    parameters = ["mean", "square", "updates"].map { Parameter("nvil/\($0)", .zeros([decisions])) }
  }

  func mean(_ index: Int) -> Float { means.tensor.array()[index] }
  func deviation(_ index: Int) -> Float { squares.tensor.array()[index].squareRoot() }

  /// Moves the averages and returns the raw and residual deviations of the learning signal in this batch.
  mutating func update(_ measured: [Measurement]) -> [(name: String, value: Double)] {
    var (mean, square, count) = (means.tensor.array(), squares.tensor.array(), updates.tensor.array())
    var (raw, left, total) = (0.0, 0.0, 0.0)
    for (index, measurement) in measured.enumerated() {
      let mask = measurement.mask.array()
      let cost = measurement.cost.array()
      let residual = measurement.residual.array()
      let weight = Double(mask.reduce(0, +))
      guard weight > 0 else { continue }
      let costMean = weightedMean(cost, mask, weight)
      let costSquare = weightedMean(cost.map { $0 * $0 }, mask, weight)
      let residualSquare = weightedMean(residual.map { $0 * $0 }, mask, weight)
      let keep = count[index] == 0 ? 0 : decay
      mean[index] = keep * mean[index] + (1 - keep) * Float(costMean)
      square[index] = keep * square[index] + (1 - keep) * Float(residualSquare)
      count[index] += 1
      raw += (costSquare - costMean * costMean) * weight
      left += residualSquare * weight
      total += weight
    }
    means.assign(Tensor(shape: means.shape, mean))
    squares.assign(Tensor(shape: squares.shape, square))
    updates.assign(Tensor(shape: updates.shape, count))
    guard total > 0 else { return [] }
    return [
      ("signal_deviation", max(0, raw / total).squareRoot()), ("residual_deviation", (left / total).squareRoot()),
    ]
  }

  private func weightedMean(_ values: [Float], _ weights: [Float], _ total: Double) -> Double {
    zip(values, weights).reduce(0) { $0 + Double($1.0) * Double($1.1) } / total
  }
}
