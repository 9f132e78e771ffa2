import Tensors

/// Moving averages of learning signals over training steps, separately for each decision.
struct RunningStatistics {
  /// A decision's cost, the cost minus its baselines, and the mask of images in which it exists: each [batch].
  struct Measurement { let cost, residual, mask: Tensor }

  /// The deviations of a batch's signals: `signal` of the costs themselves, `residual` after baselines are subtracted.
  struct Deviations { let signal, residual: Double }

  let parameters: [Parameter]
  private let decay: Float
  private var means: Parameter { parameters[0] }
  private var squares: Parameter { parameters[1] }
  private var updates: Parameter { parameters[2] }

  /// `name` is the estimator's name, which prefixes the parameter names in checkpoints.
  init(_ name: String, decay: Double, decisions: Int) {
    self.decay = Float(decay)
    parameters = ["mean", "square", "updates"].map { Parameter("\(name)/\($0)", .zeros([decisions])) }
  }

  /// The mean of the costs in earlier training steps.
  func mean(_ index: Int) -> Float { means.tensor.array()[index] }
  /// The root mean square of the residuals in earlier training steps.
  func deviation(_ index: Int) -> Float { squares.tensor.array()[index].squareRoot() }

  /// Updates the averages with one measurement per decision. Returns nil if no decision was reached.
  func update(_ measured: [Measurement]) -> Deviations? {
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
    guard total > 0 else { return nil }
    return Deviations(signal: max(0, raw / total).squareRoot(), residual: (left / total).squareRoot())
  }

  private func weightedMean(_ values: [Float], _ weights: [Float], _ total: Double) -> Double {
    zip(values, weights).reduce(0) { $0 + Double($1.0) * Double($1.1) } / total
  }
}
