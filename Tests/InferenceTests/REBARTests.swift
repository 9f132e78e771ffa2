import Inference
import Layers
import Tensors
import TestKit
import Testing

@Suite struct REBARTests {
  private static let rows = 4000

  private func rebar(_ shape: ContextShape, _ change: (inout REBAR.Config) -> Void = { _ in }) -> REBAR {
    var config = REBAR.Config()
    change(&config)
    return REBAR(config, EstimatorContext(shape: shape, random: RandomStream(seed: 0)))
  }

  /// The variance of a draw's gradient, summed over the logits of all decisions, after running means have settled.
  private func variance(_ estimator: any Estimator, _ toy: Toy) -> Double {
    let model = toy.model(rows: Self.rows)
    _ = estimator.estimate(model, model.images, at: 0, noise: EstimatorNoise(RandomStream(seed: 5)))
    let estimate = estimator.estimate(model, model.images, at: 1, noise: EstimatorNoise(RandomStream(seed: 6)))
    var test = MeanTest(coordinates: toy.logits)
    for row in model.gradientRows(of: estimate.loss * Float(Self.rows)) { test.add(row.prefix(toy.logits)) }
    return test.totalVariance
  }

  @Test(arguments: Toy.allCases) func varianceIsBelowThatOfTheScoreFunctionItControls(_ toy: Toy) {
    let shape = toy.model(rows: 1).contextShape
    #expect(variance(rebar(shape) { $0.eta = 0.5 }, toy) < 0.9 * variance(rebar(shape) { $0.eta = 0 }, toy))
  }

  /// a, b and eta by hand: the gradient is a + eta b, the scale's slope 2 <a + eta b, b>.
  @Test func theScalesGradientIsTheSlopeOfTheSquaredLength() throws {
    let model = ToyScene(rows: 5)
    let estimator = rebar(model.contextShape) { $0.eta = 0.4 }
    let eta = try #require(estimator.store.parameters.first)
    let noise = EstimatorNoise(RandomStream(seed: 1))
    func gradient(_ scale: Float) -> [Double] {
      eta.assign(Tensor(shape: [1], [scale]))
      let estimate = estimator.estimate(model, model.images, at: 0, noise: noise)
      return estimate.gradients(for: model.parameters).flatMap { $0.array().map(Double.init) }
    }
    func square(_ scale: Float) -> Double { gradient(scale).reduce(0) { $0 + $1 * $1 } }
    // Running means must not move in between.
    for _ in 0..<400 { _ = gradient(0.4) }
    let slope = (square(0.5) - square(0.3)) / 0.2
    eta.assign(Tensor(shape: [1], [0.4]))
    let estimate = estimator.estimate(model, model.images, at: 0, noise: noise)
    let found = estimate.gradients(for: model.parameters + [eta])
    expectClose(Double(found[found.count - 1].scalar), slope, relative: 2e-3)
  }

  @Test(arguments: [Toy.presences, .categories]) func learnedScaleLowersTheVariance(_ toy: Toy) throws {
    let model = toy.model(rows: 64)
    let estimator = rebar(model.contextShape) { ($0.eta, $0.rate) = (-0.5, Schedule(2e-2)) }
    let before = variance(estimator, toy)
    let eta = try #require(estimator.store.parameters.first)
    var config = Adam.Config()
    config.rate = Schedule(2e-2)
    let optimizer = Adam(config, OptimizerContext(parameters: [eta]))
    for step in 0..<150 {
      let estimate = estimator.estimate(model, model.images, at: step, noise: EstimatorNoise(RandomStream(seed: step)))
      let slopes = estimate.gradients(for: model.parameters + [eta])
      optimizer.update([slopes[slopes.count - 1]], scales: [1], at: step)
    }
    #expect(eta.tensor.scalar > 0.3)
    #expect(variance(estimator, toy) < 0.6 * before)
  }

  @Test func deadStepsGetNoScore() {
    let model = ToyScene(rows: 64)
    let noise = EstimatorNoise(RandomStream(seed: 3))
    let estimate = rebar(model.contextShape).estimate(model, model.images, at: 0, noise: noise)
    let pass = model.infer(model.images, drawing: Draw(.sampled, noise: noise.stream, progress: .step(0)))
    for (row, gradient) in model.gradientRows(of: estimate.loss).enumerated() {
      for step in 0..<ToyScene.steps {
        #expect((gradient[step] == 0) == (step > ToyOracle.count(pass.outcome(ofRow: row))))
      }
    }
  }
}
