import Configuration
import Inference
import Scenes
import Tensors
import TestKit
import Testing

@testable import Models

struct MVAETests {
  private let images = Tensor.normals([3, 2, 16, 24]).sigmoid()

  private func config(_ change: (inout MVAE.Config) -> Void = { _ in }) -> MVAE.Config {
    var config = MVAE.Config()
    (config.objects, config.size) = (3, 4)
    (config.encoder.channels, config.encoder.pooling, config.encoder.hidden) = ([5, 6], [2, 4], [7])
    (config.decoder.dense, config.decoder.maps) = ([9], 3)
    (config.decoder.object, config.decoder.scene) = ([4, 5], [6, 4])
    change(&config)
    return config
  }

  private func model(_ change: (inout MVAE.Config) -> Void = { _ in }) throws -> MVAE {
    let random = RandomStream(seed: 4)
    return try MVAE(config(change), ModelContext(channels: 2, height: 16, width: 24, random: random))
  }

  private func pass(_ model: MVAE, _ discrete: Draw.Discrete = .sampled) -> Pass {
    model.infer(images, drawing: Draw(discrete, noise: RandomStream(seed: 5), progress: .end))
  }

  @Test func theObjectsAreThePlacesOfHighestKL() throws {
    let model = try model()
    let map = try #require(model.informationMap(of: images))
    #expect(map.shape == [3, 2, 3])
    let pass = pass(model)
    #expect(pass.terms.map(\.node) == ["object", "object", "object"])
    for image in 0..<3 {
      let best = Array(map.array()[image * 6..<image * 6 + 6].sorted(by: >).prefix(3))
      let own = pass.terms.map { $0.weightedKL.array()[image] }
      expectClose(Tensor(shape: [3], own), Tensor(shape: [3], best), absolute: 1e-5)
      // The bound has the KL of these alone.
      let cost = -pass.logLikelihood.array()[image] + best.reduce(0, +)
      #expect(abs(pass.negativeBound.array()[image] - cost) < 1e-3)
    }
    expectClose(
      model.codes(of: images).information,
      Tensor(shape: [3, 3], (0..<3).flatMap { image in pass.terms.map { $0.weightedKL.array()[image] } }),
      absolute: 1e-5)
  }

  @Test(arguments: ObjectDecoder.Aggregation.allCases)
  func noOrderOfTheObjectsChangesTheImage(aggregation: ObjectDecoder.Aggregation) throws {
    let model = try model { $0.aggregation = aggregation }
    let codes = Tensor.normals([6, 4])
    let turned = codes.gathered(rows: [2, 0, 1, 5, 4, 3])
    expectClose(model.decoded(codes, objects: 3), model.decoded(turned, objects: 3), absolute: 1e-5)
    // A code more may change it.
    let fewer = codes.gathered(rows: [0, 1, 3, 4])
    #expect(largestDifference(model.decoded(fewer, objects: 2), model.decoded(codes, objects: 3)) > 1e-3)
  }

  @Test func theMaximumForgetsTwinsAndTheSumDoesNot() throws {
    let codes = Tensor.normals([1, 4])
    let twins = codes.gathered(rows: [0, 0])
    let (max, sum) = (try model(), try model { $0.aggregation = .sum })
    // One row and two may be multiplied by different kernels: the same but for rounding.
    expectClose(max.decoded(twins, objects: 2), max.decoded(codes, objects: 1))
    #expect(largestDifference(sum.decoded(twins, objects: 2), sum.decoded(codes, objects: 1)) > 1e-3)
  }

  private func largestDifference(_ a: Tensor, _ b: Tensor) -> Float {
    zip(a.array(), b.array()).map { abs($0 - $1) }.max() ?? 0
  }

  @Test func itHasNoDiscreteNodesSoThatEveryEstimatorFollowsTheBound() throws {
    let model = try model()
    #expect(model.contextShape.discreteNodes.isEmpty && model.contextShape.steps == 3)
    let noise = EstimatorNoise(RandomStream(seed: 6))
    // VIMCO has a bound of its own, the importance-weighted one.
    let names = estimators.names.filter { $0 != "vimco" }
    let found = try names.map { name in
      let context = EstimatorContext(shape: model.contextShape, random: RandomStream(seed: 7))
      let estimate = try estimators.make(estimators.choice(name), context).estimate(model, images, at: 0, noise: noise)
      return gradients(of: estimate.loss, for: model.store.parameters).map { $0.array() }
    }
    #expect(found.allSatisfy { $0 == found[0] } && found.count == names.count && names.count > 5)
  }

  @Test func gradientsReachTheEncoderThroughTheChosenPlaces() throws {
    let model = try model()
    let slopes = gradients(of: pass(model).negativeBound.mean(), for: model.store.parameters)
    for (parameter, slope) in zip(model.store.parameters, slopes) {
      #expect(slope.array().contains { $0 != 0 }, "\(parameter.name)")
    }
  }

  /// Central differences of the bound along one direction in all parameters together.
  @Test func theBoundsGradientMatchesFiniteDifferences() throws {
    let model = try model()
    let parameters = model.store.parameters
    let slopes = gradients(of: pass(model).negativeBound.mean(), for: parameters)
    let direction = parameters.enumerated().map { Tensor.normals($1.shape, seed: 10 + $0) }
    let expected = zip(slopes, direction).reduce(0.0) { $0 + Double(($1.0 * $1.1).sum().scalar) }
    let before = parameters.map { Tensor(shape: $0.shape, $0.tensor.array()) }
    func bound(_ distance: Float) -> Double {
      for (index, parameter) in parameters.enumerated() {
        parameter.assign(before[index] + direction[index].scaled(by: distance))
      }
      return pass(model).negativeBound.array().reduce(0) { $0 + Double($1) } / 3
    }
    let step: Float = 0x1p-11
    let found = (bound(-2 * step) - 8 * bound(-step) + 8 * bound(step) - bound(2 * step)) / (12 * Double(step))
    #expect(abs(found - expected) < 0.01 * abs(expected), "\(found), not \(expected)")
  }

  @Test func codesAboveTheThresholdAreCounted() throws {
    let map = try #require(try model().informationMap(of: images)).array()
    let best = Array(map[0..<6].sorted(by: >))
    let model = try model { $0.countThreshold = Double(best[1] + best[2]) / 2 }
    let explained = model.explain(images)
    #expect(explained.scenes[0].count == 2)
    #expect(pass(model, .mode).count?.array()[0] == 2)
    // A part has the pixels of its place.
    let place = try #require(map.firstIndex(of: best[0]))
    let box = Box(
      left: Double(place % 3) * 8, top: Double(place / 3) * 8, right: Double(place % 3) * 8 + 8,
      bottom: Double(place / 3) * 8 + 8)
    #expect(explained.scenes[0].parts.map(\.step) == [0, 1] && explained.scenes[0].parts[0].box == box)
  }

  @Test func asManyObjectsAreGeneratedAsAskedFor() throws {
    let model = try model()
    let one = model.generate(4, objects: 1, random: RandomStream(seed: 8))
    #expect(one.reconstruction.shape == [4, 2, 16, 24] && one.scenes.allSatisfy { $0.count == 1 })
    #expect(one.latents.map(\.steps) == [1])
    #expect(model.generate(4, objects: nil, random: RandomStream(seed: 8)).scenes[0].count == 3)
  }

  @Test func imagesThatDoNotFitAreRefusedByTheLayersName() {
    func obstacle(_ height: Int, _ width: Int, _ change: (inout MVAE.Config) -> Void = { _ in }) -> String? {
      config(change).obstacle(height: height, width: width)
    }
    #expect(obstacle(16, 24) == nil)
    #expect(obstacle(12, 24)?.hasPrefix("encoder.convolutions.1 pools 4 x 4") == true)
    #expect(obstacle(16, 24) { $0.objects = 7 }?.contains("2 x 3 places") == true)
    #expect(obstacle(16, 24) { $0.decoder.object = [4, 4, 4, 4] }?.hasPrefix("decoder.object doubles") == true)
    #expect(obstacle(8, 8) { $0.decoder.object = [4, 4] }?.hasPrefix("encoder.places has kernels of side 3") == true)
    var even = PlaceEncoder.Config()
    even.side = 4
    #expect(even.problems().map(\.key) == ["side"])
    even = .init()
    even.pooling = [2]
    #expect(even.problems().map(\.key) == ["pooling"])
    #expect(throws: ModelError.self) {
      try MVAE(config(), ModelContext(channels: 1, height: 12, width: 12, random: RandomStream(seed: 0)))
    }
  }

  @Test func theBaselineHasOneCodeAndNamesNoObjects() throws {
    var config = VAE.Config()
    (config.size, config.encoder, config.decoder) = (6, self.config().encoder, self.config().decoder)
    let model = try VAE(config, ModelContext(channels: 2, height: 16, width: 24, random: RandomStream(seed: 4)))
    let explained = model.explain(images)
    #expect(explained.scenes.allSatisfy { !$0.namesObjects && $0.count == 0 })
    #expect(explained.reconstruction.shape == images.shape)
    let codes = model.codes(of: images)
    #expect(codes.means.shape == [3, 6] && model.informationMap(of: images) == nil)
    let pass = model.infer(images, drawing: Draw(.sampled, noise: RandomStream(seed: 5), progress: .end))
    expectClose(pass.terms[0].weightedKL, codes.information.reshaped([3]), absolute: 1e-5)
    expectClose(model.decoded(codes.means, objects: 1), explained.reconstruction, absolute: 0)
  }

  /// Nash et al. 2017, appendix A: 60 latents, "encoder identical".
  @Test func theDefaultsAreThePapers() throws {
    let context = ModelContext(channels: 3, height: 64, width: 64, random: RandomStream(seed: 4))
    let (mvae, vae) = (try MVAE(.init(), context), try VAE(.init(), context))
    #expect(mvae.objects * mvae.codeSize == 60 && vae.codeSize == 60)
    let output = try #require(mvae.store.parameters.first { $0.name == "encoder.output.weight" })
    #expect(output.shape == [1, 1, 64, 24])
    let dense = try #require(mvae.store.parameters.first { $0.name == "decoder.dense.output.weight" })
    #expect(dense.shape == [256, 8 * 8 * 16])
    #expect(mvae.informationMap(of: .zeros([1, 3, 64, 64]))?.shape == [1, 8, 8])
  }
}
