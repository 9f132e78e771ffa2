import Inference
import Layers
import Tensors
import TestKit
import Testing

@Suite struct NVILTests {
  private let model = ToyScene(rows: 64)
  private let noise = EstimatorNoise(RandomStream(seed: 3))

  private func loss(_ name: String, of estimate: Estimate) throws -> Tensor {
    try #require(estimate.losses.first { $0.name == name }).value
  }

  /// The outcome of each row on this suite's noise.
  private var outcomes: [[Bool]] {
    let pass = model.infer(model.images, drawing: Draw(.sampled, noise: noise.stream, progress: .step(0)))
    return (0..<model.rows).map { pass.outcome(ofRow: $0) }
  }

  /// At a baseline of zero, and with the coupling at zero, the gradient of logit t is the slope of its KL plus
  /// (z_t - p_t) times the cost of everything from step t on.
  @Test func scoreIsWeightedByTheCostToGo() throws {
    let values = Array(ToyScene.values.dropLast(ToyScene.steps)) + [0, 0, 0]
    let model = ToyScene(rows: 64, values: values)
    let estimate = NVIL.toy(baselineSpread: 0).estimate(model, model.images, at: 0, noise: noise)
    let rows = model.gradientRows(of: try loss("objective", of: estimate) * Float(model.rows))
    let pass = model.infer(model.images, drawing: Draw(.sampled, noise: noise.stream, progress: .step(0)))
    let latents = ToyOracle.latents(values)
    for (row, gradient) in rows.enumerated() {
      let outcome = pass.outcome(ofRow: row)
      let expected = (0..<ToyScene.steps).map { step -> Float in
        guard let cost = ToyOracle.costToGo(latents, outcome, step) else { return 0 }
        let p = ToyOracle.sigmoid(latents.logits[step])
        let slope = p * (1 - p) * (latents.logits[step] - ToyScene.priorLogOdds[step])
        return Float(slope + ((outcome[step] ? 1 : 0) - p) * cost)
      }
      expectClose(
        Array(gradient[0..<ToyScene.steps]), expected, absolute: 1e-5, relative: 2e-5, "row \(row), outcome \(outcome)")
    }
  }

  @Test func deadStepsGetNoScore() throws {
    let estimate = NVIL.toy(baselineSpread: 0.8).estimate(model, model.images, at: 0, noise: noise)
    let rows = model.gradientRows(of: try loss("objective", of: estimate))
    var dead = 0
    for (gradient, outcome) in zip(rows, outcomes) {
      for step in 0..<ToyScene.steps {
        let isDead = step > ToyOracle.count(outcome)
        #expect((gradient[step] == 0) == isDead, "step \(step) of outcome \(outcome)")
        dead += isDead ? 1 : 0
      }
    }
    #expect(dead > 20)
  }

  @Test func baselineLossIsTheMaskedSquareOfTheResidual() throws {
    let estimator = NVIL.toy(baselineSpread: 0)
    let bias = try #require(estimator.store.parameters.first { $0.name == "baseline.output.bias" })
    bias.assign(Tensor(shape: [1], [2.5]))
    let estimate = estimator.estimate(model, model.images, at: 0, noise: noise)
    let latents = ToyOracle.latents(ToyScene.values)
    let total = outcomes.reduce(0.0) { sum, outcome in
      (0..<ToyScene.steps).reduce(sum) { sum, step in
        guard let cost = ToyOracle.costToGo(latents, outcome, step) else { return sum }
        return sum + (cost - 2.5) * (cost - 2.5)
      }
    }
    expectClose(Double(try loss("baseline", of: estimate).scalar), total / Double(model.rows), relative: 1e-5)
  }

  @Test func objectiveAndBaselineLossTrainDisjointParameters() throws {
    let estimator = NVIL.toy(baselineSpread: 0.5)
    let estimate = estimator.estimate(model, model.images, at: 0, noise: noise)
    let (objective, baseline) = (try loss("objective", of: estimate), try loss("baseline", of: estimate))
    let count = model.parameters.count
    func sizes(_ loss: Tensor) -> [Double] {
      gradients(of: loss, for: model.parameters + estimator.store.parameters, retainingTape: true).map {
        $0.sumOfSquares()
      }
    }
    let (ofObjective, ofBaseline) = (sizes(objective), sizes(baseline))
    #expect(ofObjective[..<count].allSatisfy { $0 > 0 } && ofObjective[count...].allSatisfy { $0 == 0 })
    #expect(ofBaseline[..<count].allSatisfy { $0 == 0 } && ofBaseline[count...].allSatisfy { $0 > 0 })
  }

  /// Images differ in brightness, which decides most of the cost.
  @Test func baselineLearnsWhatTheImageCosts() throws {
    let images = Tensor.uniforms([model.rows, 1, 1, 1], in: 0...3) * Tensor.ones([1, 1, 1, 4])
    let estimator = NVIL.toy(baselineSpread: 0.3)
    let before = estimator.store.parameters.map { $0.tensor.array() }
    var config = Adam.Config()
    config.rate = Schedule(2e-2)
    let optimizer = Adam(config, OptimizerContext(parameters: estimator.store.parameters))
    var shares: [Double] = []
    for step in 0..<300 {
      let estimate = estimator.estimate(model, images, at: step, noise: EstimatorNoise(RandomStream(seed: step)))
      func diagnostic(_ name: String) throws -> Double {
        try #require(estimate.diagnostics.first { $0.name == name }).value
      }
      shares.append(try diagnostic("residual_deviation") / diagnostic("signal_deviation"))
      let slopes = gradients(of: try loss("baseline", of: estimate), for: estimator.store.parameters)
      optimizer.update(slopes, scales: slopes.map { _ in 1 }, at: step)
    }
    for (parameter, old) in zip(estimator.store.parameters, before) {
      #expect(parameter.tensor.array() != old, "\(parameter.name)")
    }
    let last = shares.suffix(20).reduce(0, +) / 20
    #expect(shares[0] > 1)
    #expect(last < 0.6, "residual deviation is \(last) of the raw deviation")
  }

  @Test func centeringUsesEarlierStepsAlone() throws {
    let estimator = NVIL.toy(baselineSpread: 0) {
      $0.centering = true
      $0.movingAverage = 0.75
    }
    func centers(_ seed: Int) throws -> [Float] {
      let estimate = estimator.estimate(model, model.images, at: 0, noise: EstimatorNoise(RandomStream(seed: seed)))
      return try #require(estimate.constants.first { $0.name == "centering" }).value.array()
    }
    func means(_ seed: Int) -> [Float] {
      let pass = model.infer(model.images, drawing: Draw(.sampled, noise: RandomStream(seed: seed), progress: .step(0)))
      let latents = ToyOracle.latents(ToyScene.values)
      return (0..<ToyScene.steps).map { step in
        let costs = (0..<model.rows).compactMap { ToyOracle.costToGo(latents, pass.outcome(ofRow: $0), step) }
        return Float(costs.reduce(0, +) / Double(costs.count))
      }
    }
    #expect(try centers(1) == [0, 0, 0])
    expectClose(try centers(2), means(1))
    expectClose(try centers(3), zip(means(1), means(2)).map { 0.75 * $0 + 0.25 * $1 })
  }

  /// Dividing by the running deviation rescales the score alone (Kosiorek 2017, section 5.2).
  @Test func varianceNormalizationDividesTheScoreByTheRunningDeviation() throws {
    let plain = NVIL.toy(baselineSpread: 0)
    let normalized = NVIL.toy(baselineSpread: 0) { $0.varianceNormalization = true }
    for estimator in [plain, normalized] { _ = estimator.estimate(model, model.images, at: 0, noise: noise) }
    let deviations = normalized.statistics[1].tensor.array().map { max(1, $0.squareRoot()) }
    #expect(deviations.allSatisfy { $0 > 1.5 })
    func logitRows(_ estimator: NVIL) throws -> [[Float]] {
      let estimate = estimator.estimate(model, model.images, at: 1, noise: noise)
      return model.gradientRows(of: try loss("objective", of: estimate) * Float(model.rows))
    }
    let pathwise = model.gradientRows(
      of: model.infer(model.images, drawing: Draw(.sampled, noise: noise.stream, progress: .step(0))).negativeBound)
    for (row, (whole, scaled)) in zip(try logitRows(plain), try logitRows(normalized)).enumerated() {
      let expected = (0..<ToyScene.steps).map { step in
        pathwise[row][step] + (whole[step] - pathwise[row][step]) / deviations[step]
      }
      expectClose(Array(scaled[0..<ToyScene.steps]), expected, absolute: 1e-5, relative: 1e-4)
    }
  }
}
