import Inference
import Tensors
import TestKit
import Testing

@testable import Models

/// Passes over batches that hold every image several times.
@Suite struct CopiesTests {
  private let images = Tiny.images(4)

  /// Where the model knows of the copies, it computes what depends on the image alone once, and finds the same.
  @Test(
    arguments: [Combination.chosen[0], Combination.chosen[1]] + Combination.chosen.filter { "\($0)".contains("embed") })
  func whatIsSharedByCopiesIsWhatEachWouldCompute(_ combination: Combination) throws {
    let model = try Tiny.model(combination.config)
    func pass(_ copies: Int) -> Pass {
      let draw = Draw(.sampled, noise: RandomStream(seed: 3), progress: .step(0), copies: copies)
      return model.infer(images.repeatingRows(3), drawing: draw)
    }
    let (shared, apart) = (pass(3), pass(1))
    expectClose(shared.negativeBound, apart.negativeBound, relative: 1e-5)
    #expect(shared.contexts[0].pixels.rows == 4 && apart.contexts[0].pixels.rows == 12)
    let parameters = model.store.parameters
    let weights = Tensor.normals([12], seed: 5)
    let slopes = [shared, apart].map { gradients(of: ($0.negativeBound * weights).sum(), for: parameters) }
    for (index, parameter) in parameters.enumerated() {
      let scale = Double(slopes[1][index].array().map(abs).max() ?? 0)
      expectClose(slopes[0][index], slopes[1][index], absolute: 1e-5 + 1e-4 * scale, relative: 0, parameter.name)
    }
  }

  /// The enumerated objective is the marginal one where presences are all that is discrete.
  @Test(arguments: [Combination.chosen[0], Combination.chosen[1]])
  func enumerationIsTheMarginalSumOnPresences(_ combination: Combination) throws {
    let model = try Tiny.model(combination.config)
    let context = EstimatorContext(shape: model.contextShape, random: RandomStream(seed: 0))
    let noise = EstimatorNoise(RandomStream(seed: 1))
    let enumerated = try Enumeration(Enumeration.Config(), context).estimate(model, images, at: 0, noise: noise)
    let marginal = Marginal().estimate(model, images, at: 0, noise: noise)
    expectClose(Double(enumerated.loss.scalar), Double(marginal.loss.scalar), relative: 1e-5)
    let parameters = model.store.parameters
    let slopes = [enumerated, marginal].map { $0.gradients(for: parameters) }
    for (index, parameter) in parameters.enumerated() {
      let scale = Double(slopes[1][index].array().map(abs).max() ?? 0)
      expectClose(slopes[0][index], slopes[1][index], absolute: 1e-5 + 1e-4 * scale, relative: 0, parameter.name)
    }
  }
}
