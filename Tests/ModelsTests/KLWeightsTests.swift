import Inference
import Layers
import Tensors
import TestKit
import Testing

@testable import Models

@Suite struct KLWeightsTests {
  private let draw = Draw(.sampled, noise: RandomStream(seed: 3), progress: .step(5))

  private func pass() throws -> Pass {
    try Tiny.model(Tiny.config(.discreteAIR) { Tiny.categorize(&$0) }, spread: 1).infer(Tiny.images(6), drawing: draw)
  }

  @Test func theLossGetsWhatWeightsAddToTheBound() throws {
    let pass = try pass()
    let reported = Dictionary(uniqueKeysWithValues: pass.reported.map { ($0.name, $0.value) })
    var config = KLWeights.Config()
    config.presence = Schedule(30)
    config.category = Schedule(0)
    config.window = Schedule(.linear, from: 0, to: 2, begin: 0, end: 10)  // 1 at step 5
    let penalty = KLWeights(config).penalty(on: pass, drawing: draw)
    let (presence, category) = (try #require(reported["presence_kl"]), try #require(reported["category_kl"]))
    expectClose(
      try #require(penalty.perImage), presence.scaled(by: 29) - category, absolute: 1e-3, relative: 1e-5)
    #expect(penalty.batch == nil && presence.mean().scalar > 0.1 && category.mean().scalar > 0.01)
  }

  @Test func weightsOfOneAddNothing() throws {
    #expect(KLWeights(KLWeights.Config()).penalty(on: try pass(), drawing: draw).perImage == nil)
  }

  @Test func nodesThatTheModelLacksAreRefused() {
    var config = KLWeights.Config()
    config.slot = Schedule(2)
    #expect(config.obstacle(in: models.choice("dm-vae")) == nil)
    #expect(
      config.obstacle(in: models.choice("air"))
        == "'kl_weights' sets 'slot', which model 'air' with appearance 'gaussian' does not have; "
        + "its nodes are presence, window, appearance")
  }

  @Test(arguments: [("mvae", "object", "scene"), ("vae", "scene", "object")])
  func codesHaveTheirWeights(model: String, own: String, other: String) throws {
    func config(_ node: String) -> KLWeights.Config {
      var config = KLWeights.Config()
      if node == "object" { config.object = Schedule(3) } else { config.scene = Schedule(3) }
      return config
    }
    #expect(config(own).obstacle(in: models.choice(model)) == nil)
    #expect(
      config(other).obstacle(in: models.choice(model))
        == "'kl_weights' sets '\(other)', which model '\(model)' does not have; its nodes are \(own)")
    let context = ModelContext(channels: 3, height: 32, width: 32, random: RandomStream(seed: 4))
    let images = Tensor.normals([2, 3, 32, 32]).sigmoid()
    let pass = try models.make(models.choice(model), context).infer(images, drawing: draw)
    let kl = try #require(pass.reported.first { $0.name == "\(own)_kl" }?.value)
    let penalty = KLWeights(config(own)).penalty(on: pass, drawing: draw)
    expectClose(try #require(penalty.perImage), kl.scaled(by: 2), absolute: 1e-3, relative: 1e-5)
    #expect(kl.mean().scalar > 0)
  }
}
