import Foundation
import Inference
import Layers
import Tensors
import TestKit
import Testing

@testable import Models

/// DM-VAE's memory and its information term, against plain loops over the parameters.
@Suite struct MemoryTests {
  private static let slots = 4

  private func model(_ change: (inout RecurrentSceneModel.Config) -> Void = { _ in }) throws -> RecurrentSceneModel {
    try Tiny.model(
      Tiny.config(.dmVAE) {
        Tiny.memorize(&$0)
        change(&$0)
      })
  }

  private func memory(_ model: RecurrentSceneModel) throws -> MemoryAppearance {
    try #require(model.appearance as? MemoryAppearance)
  }

  /// A parameter of the appearance as rows.
  private func rows(_ model: RecurrentSceneModel, _ name: String) throws -> [[Double]] {
    let parameter = try #require(model.store.parameters.first { $0.name == "appearance.\(name)" })
    let width = parameter.shape.last ?? 1
    let values = parameter.tensor.array().map(Double.init)
    return stride(from: 0, to: values.count, by: width).map { Array(values[$0..<$0 + width]) }
  }

  /// One hidden layer with relu.
  private func network(_ model: RecurrentSceneModel, _ name: String, _ input: [Double]) throws -> [Double] {
    func dense(_ layer: String, _ x: [Double]) throws -> [Double] {
      let (weight, bias) = (try rows(model, "\(name).\(layer).weight"), try rows(model, "\(name).\(layer).bias")[0])
      return bias.indices.map { column in
        bias[column] + x.indices.reduce(0) { $0 + x[$1] * weight[$1][column] }
      }
    }
    return try dense("output", dense("layers.0", input).map { max(0, $0) })
  }

  private func logits(_ model: RecurrentSceneModel, _ pixels: [Double]) throws -> [Double] {
    let kappa = exp(try rows(model, "sharpness")[0][0])
    let glimpse = try network(model, "glimpse_embedding", pixels)
    return try rows(model, "memory").map { slot in
      let other = try network(model, "slot_embedding", slot)
      func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
      return kappa * dot(glimpse, other) / (dot(glimpse, glimpse) * dot(other, other)).squareRoot()
    }
  }

  /// The patch of a slot whose noise lies `normals` deviations from its mean.
  private func patch(_ model: RecurrentSceneModel, _ slot: Int, _ normals: [Double]) throws -> [Double] {
    let content = try rows(model, "memory")[slot]
    let code = try network(model, "prior", content)
    let noise = normals.indices.map { code[$0] + (log1p(exp(code[normals.count + $0])) + 1e-3) * normals[$0] }
    return try network(model, "generator", noise + content).map { 1 / (1 + exp(0.5 - $0)) }
  }

  @Test func addressesAreScaledCosines() throws {
    let model = try model()
    let images = Tiny.images(3)
    let pass = model.infer(images, drawing: Draw(.mode, noise: RandomStream(seed: 0), progress: .end))
    var seen = 0
    for term in pass.terms where term.node == "slot" {
      guard case .categorical(let slot) = term.latent else { continue }
      // The glimpse that led there is not part of a pass; its largest possible logit is.
      let kappa = exp(try rows(model, "sharpness")[0][0])
      #expect(slot.logits.array().allSatisfy { abs(Double($0)) <= kappa * 1.00001 })
      seen += 1
    }
    #expect(seen == 3)
    let glimpses = Tensor.uniforms([2, 1, 4, 4], seed: 5)
    let object = try memory(model).explain(
      glimpses, drawing: Draw(.mode, noise: RandomStream(seed: 0), progress: .end), step: 0)
    guard case .categorical(let slot)? = object.latents.first?.latent else {
      Issue.record("the first latent is no slot")
      return
    }
    let pixels = glimpses.array().map(Double.init)
    let expected = try [pixels[0..<16], pixels[16..<32]].flatMap { try logits(model, Array($0)) }
    expectClose(slot.logits, expected.map(Float.init), absolute: 1e-5)
  }

  @Test func aChosenSlotReadsItsContentAndAModeIsItsMean() throws {
    let model = try model()
    let slots = Tensor(shape: [2, 4], [0, 0, 1, 0, 1, 0, 0, 0])
    let patches = try memory(model).patches(slots, attributes: Tensor(shape: [2, 2], [0.3, -1, 0, 0]))
    let expected = try patch(model, 2, [0.3, -1]) + patch(model, 0, [0, 0])
    expectClose(patches, expected.map(Float.init), absolute: 1e-6)
  }

  @Test func recoverabilityIsTheMeanLogProbabilityOfTheSlotThatDrew() throws {
    let model = try model()
    let normals = Tensor.normals([Self.slots * 3, 2], seed: 8)
    let values = normals.array().map(Double.init)
    var sum = 0.0
    for row in 0..<Self.slots * 3 {
      let logits = try logits(model, patch(model, row / 3, [values[2 * row], values[2 * row + 1]]))
      sum += logits[row / 3] - log(logits.reduce(0) { $0 + exp($1) })
    }
    let recoverability = try memory(model).recoverability(normals)
    expectClose(Double(recoverability.scalar), sum / Double(Self.slots * 3), absolute: 1e-5)
    #expect(recoverability.scalar < 0)
  }

  @Test func informationReachesWhatDrawsAndWhatReads() throws {
    let model = try model()
    let normals = Tensor.normals([Self.slots * 2, 2], seed: 8)
    let memory = try memory(model)
    let slopes = gradients(of: memory.recoverability(normals), for: model.store.parameters)
    for (parameter, slope) in zip(model.store.parameters, slopes) {
      let parts = ["memory", "sharpness", "slot_embedding", "glimpse_embedding", "prior", "generator"]
      let isPart = parts.contains { parameter.name.hasPrefix("appearance.\($0)") }
      #expect((slope.sumOfSquares() > 0) == isPart, "\(parameter.name)")
    }
    let parameters = model.store.parameters.filter { $0.name.hasPrefix("appearance.") && $0.count < 40 }
    expectGradients(of: { memory.recoverability(normals) }, for: parameters, step: 0x1p-9, relative: 2e-2)
  }

  @Test func theTermIsInTheLossAndNotInTheBound() throws {
    let model = try model()
    let images = Tiny.images(4)
    let noise = EstimatorNoise(RandomStream(seed: 1))
    func estimate(_ gamma: Double?, _ name: String) throws -> Estimate {
      var config = Information.Config()
      config.gamma = gamma ?? 0
      let list = gamma == nil ? [] : [try Information(config, model)]
      let estimator = try estimators.make(
        estimators.choice(name), EstimatorContext(shape: model.contextShape, random: RandomStream(seed: 2)))
      return estimator.estimate(RegularizedModel(model, list), images, at: 0, noise: noise)
    }
    for name in estimators.names {
      let (without, with) = (try estimate(nil, name), try estimate(2, name))
      let shape = [Self.slots * 4, 2]
      let information = try memory(model).recoverability(RandomStream(seed: 1).child("information").normals(shape))
      // The loss is a Float32 that is larger than the term by far.
      expectClose(
        Double(with.loss.scalar - without.loss.scalar), Double(-2 * information.scalar),
        absolute: 1e-5 + 2e-7 * Double(abs(with.loss.scalar)), "\(name)")
      for (one, other) in zip(with.terms, without.terms) {
        #expect(one.value.array() == other.value.array(), "\(name), \(one.name)")
      }
      let reported = try #require(with.diagnostics.first { $0.name == "information_penalty" })
      expectClose(reported.value, Double(-2 * information.scalar), absolute: 1e-5)
    }
  }
}
