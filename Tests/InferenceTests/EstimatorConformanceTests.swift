import Inference
import Layers
import Tensors
import Testing

/// What every registered estimator owes its callers.
@Suite struct EstimatorConformanceTests {
  private let model = ToyScene(rows: 8)

  private func make(_ name: String) throws -> any Estimator {
    try estimators.make(
      estimators.choice(name), EstimatorContext(shape: model.contextShape, random: RandomStream(seed: 0)))
  }

  private func estimate(_ name: String) throws -> Estimate {
    try make(name).estimate(model, model.images, at: 0, noise: EstimatorNoise(RandomStream(seed: 1)))
  }

  @Test(arguments: estimators.names)
  func lossesAreFiniteScalarsThatSumToTheLoss(name: String) throws {
    let estimate = try estimate(name)
    #expect(estimate.losses.allSatisfy { $0.value.count == 1 && $0.value.scalar.isFinite })
    let scaled = estimate.scaled.map { $0.scale.tensor.scalar * $0.value.scalar } ?? 0
    let sum = estimate.losses.reduce(scaled) { $0 + $1.value.scalar }
    #expect(abs(estimate.loss.scalar - sum) <= 1e-5 * abs(sum))
  }

  @Test(arguments: estimators.names)
  func everyParameterGetsAGradient(name: String) throws {
    let estimator = try make(name)
    let estimate = estimator.estimate(model, model.images, at: 0, noise: EstimatorNoise(RandomStream(seed: 1)))
    let parameters = model.parameters + estimator.store.parameters
    for (parameter, gradient) in zip(parameters, estimate.gradients(for: parameters)) {
      let size = gradient.sumOfSquares()
      #expect(size > 0 && size.isFinite, "\(parameter.name)")
    }
  }

  @Test(arguments: estimators.names)
  func sameNoiseGivesTheSameBits(name: String) throws {
    let (first, second) = (try estimate(name), try estimate(name))
    #expect(first.loss.scalar == second.loss.scalar)
    for pair in zip(first.gradients(for: model.parameters), second.gradients(for: model.parameters)) {
      #expect(pair.0.array() == pair.1.array())
    }
  }

  @Test(arguments: estimators.names)
  func termsAreReportedForEveryImage(name: String) throws {
    let terms = try estimate(name).terms
    #expect(Set(["log_likelihood", "nelbo", "count"]).isSubset(of: Set(terms.map(\.name))))
    for (term, value) in terms {
      #expect(value.shape == [model.rows], "\(term)")
      #expect(value.array().allSatisfy { $0.isFinite }, "\(term)")
    }
  }

  @Test(arguments: estimators.names)
  func ownParametersComeWithARate(name: String) throws {
    let estimator = try make(name)
    #expect(estimator.store.parameters.isEmpty == (estimator.rate == nil))
  }

  @Test(arguments: estimators.names)
  func recordedNoiseLeavesTheLossAsItIs(name: String) throws {
    let record = NoiseRecord()
    let loss = try make(name).estimate(
      model, model.images, at: 0, noise: EstimatorNoise(RandomStream(seed: 1), record: record)
    ).loss
    #expect(loss.scalar == (try estimate(name)).loss.scalar)
    for entry in record.entries { #expect(entry.node == "presence" && (0..<ToyScene.steps).contains(entry.step)) }
  }
}
