import Glibc
import Inference
import Layers
import Tensors
import TestKit
import Testing

@testable import Models

@Suite struct LikelihoodTests {
  private let images = Tensor(shape: [2, 1, 1, 3], [0, 0.4, 1, 0.7, 1, 0])

  @Test func normalIncludesItsConstant() {
    let canvas = Tensor(shape: [2, 1, 1, 3], [0.1, 0.4, 1.5, 0, 0.2, -0.3])
    let deviation = 0.3
    let (x, y) = (images.array().map(Double.init), canvas.array().map(Double.init))
    let expected = [0..<3, 3..<6].map { pixels in
      pixels.reduce(0.0) { sum, i in
        sum - (x[i] - y[i]) * (x[i] - y[i]) / (2 * deviation * deviation)
          - log(deviation * (2 * Double.pi).squareRoot())
      }
    }
    let likelihood = NormalLikelihood(deviation: deviation)
    expectClose(likelihood.logProbability(of: images, given: canvas, at: .end), expected.map(Float.init))
  }

  /// A canvas beyond the clip on either side, down to the smallest epsilon of the papers' tables.
  @Test(arguments: [1e-6, 1e-10])
  func bernoulliClipsTheCanvas(epsilon: Double) {
    let canvas = Tensor(shape: [2, 1, 1, 3], [1.5, 0.3, 1.2, 0.9, -0.5, 0])
    let x = images.array().map(Double.init)
    // Probabilities of one and of zero after the clip.
    let probabilities = [(1, epsilon), (0.3, 0.7), (1, epsilon), (0.9, 0.1), (epsilon, 1), (epsilon, 1)]
    let expected = [0..<3, 3..<6].map { pixels in
      pixels.reduce(0.0) { $0 + x[$1] * log(probabilities[$1].0) + (1 - x[$1]) * log(probabilities[$1].1) }
    }
    let likelihood = BernoulliLikelihood(epsilon: Schedule(epsilon))
    expectClose(
      likelihood.logProbability(of: images, given: canvas, at: .end), expected.map(Float.init), relative: 2e-5)
  }

  @Test func bernoullisEpsilonFollowsItsSchedule() {
    let canvas = Tensor(shape: [2, 1, 1, 3], [1.5, 0.3, 1.2, 0.9, -0.5, 0])
    let falling = BernoulliLikelihood(epsilon: Schedule(.exponential, from: 1e-3, to: 1e-9, begin: 10, end: 16))
    for (progress, epsilon) in [(Progress.step(0), 1e-3), (.step(12), 1e-5), (.step(16), 1e-9), (.end, 1e-9)] {
      expectClose(
        falling.logProbability(of: images, given: canvas, at: progress),
        BernoulliLikelihood(epsilon: Schedule(epsilon)).logProbability(of: images, given: canvas, at: .end),
        relative: 1e-5)
    }
  }
}

@Suite struct ModelShapeTests {
  private let images = Tiny.images(5)

  @Test(arguments: Combination.chosen + Combination.categorical)
  func passHasTheShapesOfItsModel(_ combination: Combination) throws {
    let model = try Tiny.model(combination.config)
    let pass = model.infer(images, drawing: Draw(.sampled, noise: RandomStream(seed: 0), progress: .step(0)))
    let nodes = pass.terms.filter { $0.step == 0 }.map(\.node)
    #expect(nodes.starts(with: ["presence", "window"]) && nodes.count > 2)
    #expect(
      nodes.filter { ["presence", "category", "slot"].contains($0) } == model.contextShape.discreteNodes.map(\.name))
    #expect(pass.terms.map(\.node) == (0..<3).flatMap { _ in nodes })
    #expect(pass.terms.map(\.step) == (0..<3).flatMap { step in nodes.map { _ in step } })
    for term in pass.terms { #expect(term.mask.shape == [5] && term.weightedKL.shape == [5]) }
    #expect(pass.logLikelihood.shape == [5] && pass.count?.shape == [5])
    #expect(pass.contexts.count == model.contextShape.steps)
    for context in pass.contexts {
      #expect(context.pixels.dense.shape == [5, model.contextShape.pixels])
      #expect((context.fed?.shape ?? [5, 0]) == [5, model.contextShape.fed])
    }
  }

  @Test(arguments: Combination.categorical)
  func everyFoundObjectHasTheCategoryOfItsLargestLogit(_ combination: Combination) throws {
    let model = try Tiny.model(combination.config)
    let pass = model.infer(images, drawing: Draw(.mode, noise: RandomStream(seed: 0), progress: .end))
    let category = try #require(pass.latents.first { ["category", "slot"].contains($0.name) })
    let scenes = model.explain(images).scenes
    #expect(scenes.contains { !$0.parts.isEmpty })
    for (image, scene) in scenes.enumerated() {
      for part in scene.parts {
        let found = category[image, part.step]
        #expect(found.firstIndex(of: found.max() ?? 0).map { $0 - found.startIndex } == part.category)
      }
    }
  }

  @Test func masksAreThoseOfAliveSteps() throws {
    let model = try Tiny.model(Tiny.config())
    let images = Tiny.images(64)
    let pass = model.infer(images, drawing: Draw(.sampled, noise: RandomStream(seed: 0), progress: .step(0)))
    var alive = [Float](repeating: 1, count: 64)
    for (step, presence) in pass.presences.enumerated() {
      #expect(pass.terms[3 * step].mask.array() == alive)
      alive = zip(alive, presence.sample.array()).map { $0 * $1 }
      #expect(pass.terms[3 * step + 1].mask.array() == alive)
      #expect(pass.terms[3 * step + 2].mask.array() == alive)
    }
    #expect(Set(alive) == [0, 1])
  }

  @Test func parametersKeepTheirNamesAndStart() throws {
    func model(_ config: RecurrentSceneModel.Config) throws -> RecurrentSceneModel {
      try RecurrentSceneModel(config, ModelContext(channels: 1, height: 6, width: 6, random: RandomStream(seed: 0)))
    }
    let (plain, changed) = (
      try model(Tiny.config()),
      try model(
        Tiny.config {
          $0.background = Tiny.background
          $0.window.rotation = 1
        })
    )
    let decoder = "appearance.decoder.output.weight"
    func value(_ model: RecurrentSceneModel) -> [Float]? {
      model.store.parameters.first { $0.name == decoder }?.tensor.array()
    }
    #expect(value(plain) != nil && value(plain) == value(changed))
  }

  @Test(arguments: models.names)
  func everyModelWorksOnColorImagesOfAnySize(name: String) throws {
    // Those that pool say which sizes they can have.
    let isPooled = models.choice(name).config is any ImageModelConfig
    let (height, width) = isPooled ? (32, 24) : (20, 14)
    let context = ModelContext(channels: 3, height: height, width: width, random: RandomStream(seed: 0))
    let model = try models.make(models.choice(name), context)
    let images = Tensor.uniforms([2, 3, height, width])
    let loss = Marginal().estimate(model, images, at: 0, noise: EstimatorNoise(RandomStream(seed: 0))).loss
    #expect(loss.scalar.isFinite)
    #expect(model.explain(images).reconstruction.shape == images.shape)
  }
}

@Suite struct ExplanationTests {
  private let images = Tiny.images(32)

  private func explained(_ change: (inout RecurrentSceneModel.Config) -> Void = { _ in }) throws
    -> (model: RecurrentSceneModel, explanation: SceneExplanation, mode: Pass)
  {
    let model = try Tiny.model(Tiny.config(.air, change), spread: 0.6)
    let mode = model.infer(images, drawing: Draw(.mode, noise: RandomStream(seed: 0), progress: .end))
    return (model, model.explain(images), mode)
  }

  @Test func partsAreThePresencesOfTheMode() throws {
    let (_, explanation, mode) = try explained()
    let counts = try #require(mode.count).array().map { Int($0) }
    #expect(explanation.scenes.map(\.count) == counts)
    #expect(Set(counts).count > 1)
    for scene in explanation.scenes { #expect(scene.parts.map(\.step) == Array(0..<scene.count)) }
  }

  /// The mode's reconstruction is background alone where nothing is found.
  @Test func reconstructionIsBlankWithoutPartsOrBackground() throws {
    let (_, explanation, _) = try explained()
    let pixels = explanation.reconstruction.array()
    for (row, scene) in explanation.scenes.enumerated() {
      let brightest = pixels[row * 36..<(row + 1) * 36].max() ?? 0
      #expect((brightest > 0) == (scene.count > 0))
    }
  }

  @Test func explainingLeavesNoTapeAndTheModelTrainable() throws {
    let (model, explanation, _) = try explained()
    let slopes = gradients(of: explanation.reconstruction.sum(), for: model.store.parameters)
    #expect(slopes.allSatisfy { $0.sumOfSquares() == 0 })
    let loss = Marginal().estimate(model, images, at: 0, noise: EstimatorNoise(RandomStream(seed: 0))).loss
    #expect(gradients(of: loss, for: model.store.parameters).allSatisfy { $0.sumOfSquares() > 0 })
  }

  /// In half canvases from the middle, corner (u, v) of a window of scale s, angle a and shift (x, y) lies at
  /// (x + s (u cos a - v sin a), y + s (u sin a + v cos a)).
  @Test(arguments: [0, 1.2])
  func cornersAreThoseOfTheWindow(rotation: Double) throws {
    let (_, explanation, mode) = try explained { $0.window.rotation = rotation }
    guard case .normal(let place) = mode.terms[1].latent else {
      Issue.record("the second term is no window")
      return
    }
    let u = place.sample.array().map(Double.init)
    let size = place.sample.shape[1]
    var checked = 0
    for (row, scene) in explanation.scenes.enumerated() {
      guard let part = scene.parts.first else { continue }
      let own = u[row * size..<(row + 1) * size].map { $0 }
      let scale = 0.1 + 0.9 / (1 + exp(-own[0]))
      let angle = rotation > 0 ? rotation * tanh(own[3]) : 0
      for (corner, (across, down)) in zip(part.corners, [(-1.0, -1.0), (1, -1), (1, 1), (-1, 1)]) {
        let x = tanh(own[1]) + scale * (across * cos(angle) - down * sin(angle))
        let y = tanh(own[2]) + scale * (across * sin(angle) + down * cos(angle))
        expectClose(corner.x, 3 * (x + 1), absolute: 1e-4)
        expectClose(corner.y, 3 * (y + 1), absolute: 1e-4)
      }
      if let tight = part.tightBox {
        #expect(tight.left >= 0 && tight.right <= 6 && tight.top >= 0 && tight.bottom <= 6)
      }
      checked += 1
    }
    #expect(checked > 4)
  }

  @Test func sameImagesGiveTheSameExplanation() throws {
    let (model, explanation, _) = try explained()
    #expect(model.explain(images).scenes == explanation.scenes)
  }
}
