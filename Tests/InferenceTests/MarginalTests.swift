import Inference
import Layers
import Tensors
import TestKit
import Testing

@Suite struct MarginalTests {
  private let model = ToyScene(rows: 2)

  private func estimate() -> Estimate {
    Marginal().estimate(model, model.images, at: 0, noise: EstimatorNoise(RandomStream(seed: 0)))
  }

  @Test func lossIsTheEnumeratedExpectation() {
    expectClose(Double(estimate().loss.scalar), ToyOracle.expectedBound(ToyScene.values), relative: 1e-6)
  }

  @Test func gradientIsThatOfTheEnumeratedExpectation() {
    let expected = ToyOracle.gradient().map(Float.init)
    // The loss is a mean of two equal rows.
    for row in model.gradientRows(of: estimate().loss * 2) { expectClose(row, expected, absolute: 1e-5) }
  }
}
