import Configuration
import Foundation
import Inference
import Layers
import Tensors
import TestKit
import Testing

@testable import Models

/// E over the posterior of p(image, latents) / q(latents | image) is p(image), whatever the posterior.
@Suite struct ImportanceWeightTests {
  /// Mean weight of many samples of one image, and its standard error.
  private func evidence(_ model: RecurrentSceneModel, seed: Int) -> (mean: Double, error: Double) {
    let one = Tiny.images(1)
    let images = one.flattened().repeated(rows: 1)
    var weights: [Double] = []
    let batch = Tensor(shape: [4000, 1, Tiny.side, Tiny.side]) { out in
      let pixels = images.array()
      for index in out.indices { out[index] = pixels[index % pixels.count] }
    }
    for number in 0..<5 {
      let draw = Draw(.sampled, noise: RandomStream(seed: seed).at(number), progress: .step(0))
      weights += model.store.frozen { model.infer(batch, drawing: draw).logWeight.array() }.map { exp(Double($0)) }
    }
    let mean = weights.reduce(0, +) / Double(weights.count)
    let variance = weights.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(weights.count - 1)
    return (mean, (variance / Double(weights.count)).squareRoot())
  }

  @Test(arguments: [Combination.chosen[0]] + Combination.categorical)
  func meanWeightsDoNotDependOnThePosterior(_ combination: Combination) throws {
    // Pixels that say little keep the weights of one size.
    var config = combination.config
    config.likelihood = Choice(name: "normal", config: NormalLikelihood(deviation: 2))
    let model = try Tiny.model(config, spread: 0.2)
    let first = evidence(model, seed: 1)
    var moved = 0
    let inference = ["head", "controller", "appearance.encoder", "appearance.glimpse_embedding"]
    for parameter in model.store.parameters where inference.contains(where: parameter.name.hasPrefix) {
      let noise = RandomStream(seed: 7).child(parameter.name).normals(parameter.shape)
      parameter.assign(parameter.tensor.detached() + noise.scaled(by: 0.1))
      moved += 1
    }
    #expect(moved > 4)
    let second = evidence(model, seed: 2)
    let error = (first.error * first.error + second.error * second.error).squareRoot()
    #expect(abs(first.mean - second.mean) < 4 * error, "\(first) and \(second)")
    // The test could tell a factor of 5 percent, such as a wrong constant of a density.
    #expect(first.error < 0.0125 * first.mean && second.error < 0.0125 * second.mean, "\(first) and \(second)")
  }

  @Test func weightsOfOnePassAreTheBoundInExpectation() throws {
    let model = try Tiny.model(Tiny.config())
    let images = Tensor(shape: [2000, 1, Tiny.side, Tiny.side]) { out in
      let pixels = Tiny.images(1).array()
      for index in out.indices { out[index] = pixels[index % pixels.count] }
    }
    let pass = model.infer(images, drawing: Draw(.sampled, noise: RandomStream(seed: 3), progress: .step(0)))
    let difference = (pass.logWeight + pass.negativeBound).array().map(Double.init)
    let mean = difference.reduce(0, +) / Double(difference.count)
    let variance = difference.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(difference.count - 1)
    #expect(abs(mean) < 4 * (variance / Double(difference.count)).squareRoot())
    #expect(variance > 0)
  }
}
