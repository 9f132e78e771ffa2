import Foundation
import Inference
import Layers
import Tensors
import TestKit
import Testing

@testable import Models

@Suite struct BalanceTests {
  private func pass(_ model: RecurrentSceneModel, _ images: Tensor) -> Pass {
    model.infer(images, drawing: draw)
  }

  private let draw = Draw(.sampled, noise: RandomStream(seed: 3), progress: .step(0))

  private func model() throws -> RecurrentSceneModel {
    try Tiny.model(Tiny.config(.discreteAIR) { Tiny.categorize(&$0) }, spread: 1)
  }

  @Test func theTermIsTheDivergenceOfTheUniformFromTheMeanPosteriorOfObjects() throws {
    let model = try model()
    let pass = pass(model, Tiny.images(9))
    var sums = [0.0, 0.0, 0.0]
    var objects = 0.0
    for term in pass.terms {
      guard case .categorical(let category) = term.latent else { continue }
      let logits = category.logits.array().map(Double.init)
      for (row, mask) in term.mask.array().enumerated() where mask == 1 {
        let powers = (0..<3).map { exp(logits[3 * row + $0]) }
        for kind in 0..<3 { sums[kind] += powers[kind] / powers.reduce(0, +) }
        objects += 1
      }
    }
    #expect(objects > 5 && objects < 27)
    let divergence = sums.reduce(0) { $0 - log($1 / objects) / 3 } - log(3)
    let penalty = Balance(Balance.Config()).penalty(on: pass, drawing: draw)
    #expect(penalty.perImage == nil)
    expectClose(Double(try #require(penalty.batch).scalar), 10 * divergence, absolute: 1e-4)
    #expect(divergence > 0.01)
  }

  @Test func itsGradientReachesWhatNamesCategories() throws {
    let model = try model()
    let images = Tiny.images(4)
    let parameters = model.store.parameters.filter { $0.name.hasPrefix("appearance.encoder.output") }
    #expect(!parameters.isEmpty)
    expectGradients(
      of: { Balance(Balance.Config()).penalty(on: pass(model, images), drawing: draw).batch ?? Tensor(0) },
      for: parameters, step: 0x1p-8, absolute: 1e-3, relative: 5e-3)
  }

  @Test func itsWeightFollowsItsSchedule() throws {
    var config = Balance.Config()
    config.weight = Schedule(.linear, from: 4, to: 0, begin: 0, end: 10)
    let model = try model()
    let pass = pass(model, Tiny.images(4))
    func value(_ step: Int) throws -> Float {
      let draw = Draw(.sampled, noise: RandomStream(seed: 3), progress: .step(step))
      return try #require(Balance(config).penalty(on: pass, drawing: draw).batch).scalar
    }
    #expect(try value(5) == value(0) / 2 && value(0) > 0 && value(10) == 0)
  }

  @Test func regularizersNameTheModelsThatTheyCannotWorkOn() {
    let obstacles = { (config: any RegularizerConfig, model: String) in config.obstacle(in: models.choice(model)) }
    #expect(obstacles(Balance.Config(), "air")?.contains("which model 'air' has none of") == true)
    #expect(obstacles(Information.Config(), "discrete-air")?.contains("model.appearance.name to memory") == true)
    #expect(obstacles(Balance.Config(), "dm-vae") == nil && obstacles(Balance.Config(), "discrete-air") == nil)
    #expect(obstacles(Information.Config(), "dm-vae") == nil)
  }
}
