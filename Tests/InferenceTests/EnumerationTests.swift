import Layers
import Tensors
import TestKit
import Testing

@testable import Inference

@Suite struct EnumerationTests {
  private func estimate(_ model: any ToyModel) throws -> Estimate {
    let context = EstimatorContext(shape: model.contextShape, random: RandomStream(seed: 0))
    return try Enumeration(Enumeration.Config(), context).estimate(
      model, model.images, at: 0, noise: EstimatorNoise(RandomStream(seed: 0)))
  }

  /// Toys whose unmasked presences do not end the scene have outcomes that are not listed.
  @Test(arguments: [Toy.presences, .categories, .unmaskedCategories])
  func lossAndGradientAreThoseOfTheOracle(_ toy: Toy) throws {
    let model = toy.model(rows: 2)
    let estimate = try estimate(model)
    expectClose(Double(estimate.loss.scalar), toy.expectedBound, relative: 1e-6)
    let nelbo = try #require(estimate.terms.first { $0.name == "nelbo" }).value.array()
    expectClose(nelbo, [Float](repeating: Float(toy.expectedBound), count: 2), relative: 1e-5)
    let expected = toy.gradient.map(Float.init)
    for row in model.gradientRows(of: estimate.loss * 2) { expectClose(row, expected, absolute: 2e-5) }
  }

  @Test(
    arguments: [
      (3, [DiscreteNode.presence()], 4), (2, [.presence(), .categorical("category", outcomes: 3)], 1 + 3 + 9),
      (3, [.categorical("slot", outcomes: 4)], 64), (5, [], 1),
      (2, [.presence(), .categorical("a", outcomes: 2), .categorical("b", outcomes: 3)], 1 + 6 + 36),
    ] as [(Int, [DiscreteNode], Int)])
  func outcomesAreCountedAndListed(_ steps: Int, _ nodes: [DiscreteNode], _ count: Int) {
    let outcomes = SceneOutcomes(steps: steps, nodes: nodes)
    #expect(outcomes.count == count)
    #expect(Set(outcomes.listed).count == count && outcomes.listed.count == count)
    #expect(outcomes.listed.allSatisfy { $0.count == steps * nodes.count })
  }

  @Test func tooManyOutcomesAreRefusedWithTheirNumber() {
    var config = Enumeration.Config()
    config.limit = 12
    let nodes = [DiscreteNode.presence(), .categorical("category", outcomes: 3)]
    #expect(config.obstacle(steps: 2, nodes: nodes)?.contains("there are 13, above its limit of 12") == true)
    config.limit = 13
    #expect(config.obstacle(steps: 2, nodes: nodes) == nil)
    let endless = config.obstacle(steps: 64, nodes: nodes)
    #expect(endless?.contains("beyond counting") == true)
  }
}
