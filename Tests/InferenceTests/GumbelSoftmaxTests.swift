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

  @Test func temperatureFollowsItsSchedule() {
    var config = GumbelSoftmax.Config()
    config.temperature = Schedule(.linear, from: 1, to: 0.5, begin: 0, end: 100)
    let estimate = GumbelSoftmax(config).estimate(model, model.images, at: 50, noise: noise)
    #expect(estimate.diagnostics.first { $0.name == "temperature" }?.value == 0.75)
    #expect(estimate.constants.first { $0.name == "temperature" }?.value.array() == [0.75])
  }
}
