import Inference
import Layers
import Tensors
import TestKit
import Testing

@Suite struct GumbelSoftmaxTests {
  private let model = ToyScene(rows: 12)
  private let noise = EstimatorNoise(RandomStream(seed: 6))

  private func loss(_ change: (inout GumbelSoftmax.Config) -> Void) -> Tensor {
    var config = GumbelSoftmax.Config()
    change(&config)
    return GumbelSoftmax(config).estimate(model, model.images, at: 0, noise: noise).loss
  }

  @Test(arguments: Relaxation.KL.allCases)
  func gradientIsThatOfTheRelaxedBound(kl: Relaxation.KL) {
    expectGradients(
      of: {
        loss {
          $0.temperature = Schedule(0.7)
          $0.priorTemperature = Schedule(0.5)
          $0.relaxedKL = kl
        }.scaled(by: 12)
      }, for: model.parameters, absolute: 5e-4, relative: 2e-3, "\(kl)")
  }

  @Test func coldLimitIsTheHardBoundOnTheSameNoise() {
    let hard = model.infer(model.images, drawing: Draw(.sampled, noise: noise.stream, progress: .step(0)))
    let warm = loss { $0.temperature = Schedule(1) }.scalar
    let cold = loss { $0.temperature = Schedule(1e-3) }.scalar
    let expected = hard.negativeBound.mean().scalar
    expectClose([cold], [expected], relative: 1e-5)
    #expect(abs(warm - expected) > 0.1)
  }

  @Test func straightThroughHasTheHardBound() {
    let hard = model.infer(model.images, drawing: Draw(.sampled, noise: noise.stream, progress: .step(0)))
    let through = loss { $0.straightThrough = true }
    #expect(through.scalar == hard.negativeBound.mean().scalar)
    #expect(gradients(of: through, for: model.parameters).allSatisfy { $0.sumOfSquares() > 0 })
  }

  /// The mean over 20,000 draws comes closer to the exact objective as it cools, and meets it within four standard errors.
  @Test(arguments: Toy.allCases) func objectiveConvergesToTheExactOneAsItCools(_ toy: Toy) throws {
    let model = toy.model(rows: 20_000)
    let distances = try [1.0, 0.3, 0.01].map { temperature -> (distance: Double, error: Double) in
      var config = GumbelSoftmax.Config()
      config.temperature = Schedule(temperature)
      let estimate = GumbelSoftmax(config).estimate(model, model.images, at: 0, noise: noise)
      let values = try #require(estimate.terms.first { $0.name == "nelbo" }).value.array().map(Double.init)
      let mean = values.reduce(0, +) / Double(values.count)
      let square = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
      return (abs(mean - toy.expectedBound), (square / Double(values.count)).squareRoot())
    }
    #expect(distances[0].distance > distances[1].distance && distances[1].distance > distances[2].distance)
    #expect(distances[0].distance > 4 * distances[0].error && distances[2].distance < 4 * distances[2].error)
  }

  @Test(arguments: Toy.allCases) func straightThroughValuesAreExactlyHard(_ toy: Toy) {
    let model = toy.model(rows: 64)
    let relaxation = Relaxation(.init(posterior: 0.8, prior: 1), isStraightThrough: true)
    func pass(_ discrete: Draw.Discrete) -> Pass {
      model.infer(model.images, drawing: Draw(discrete, noise: noise.stream, progress: .step(0)))
    }
    let (hard, through) = (pass(.sampled), pass(.relaxed(relaxation)))
    #expect(through.negativeBound.array() == hard.negativeBound.array())
    #expect(through.count?.array() == hard.count?.array() && hard.count != nil)
    let slopes = gradients(of: through.negativeBound.sum(), for: model.parameters)
    #expect(slopes[0].sumOfSquares() > 0 || !toy.isMasked)
  }

  @Test func temperatureFollowsItsSchedule() {
    var config = GumbelSoftmax.Config()
    config.temperature = Schedule(.linear, from: 1, to: 0.5, begin: 0, end: 100)
    let estimate = GumbelSoftmax(config).estimate(model, model.images, at: 50, noise: noise)
    #expect(estimate.diagnostics.first { $0.name == "temperature" }?.value == 0.75)
    #expect(estimate.constants.first { $0.name == "temperature" }?.value.array() == [0.75])
  }
}
