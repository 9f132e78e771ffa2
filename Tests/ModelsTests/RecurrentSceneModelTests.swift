import Inference
import Layers
import Tensors
import TestKit
import Testing

@testable import Models

@Suite struct RecurrentSceneModelTests {
  private func estimator(_ name: String, _ model: RecurrentSceneModel) throws -> any Estimator {
    var choice = estimators.choice(name)
    if var config = choice.config as? NVIL.Config {
      config.baseline.hidden = 4
      config.baseline.layers = [4]
      choice.config = config
    }
    return try estimators.make(choice, EstimatorContext(shape: model.contextShape, random: RandomStream(seed: 2)))
  }

  /// One training step's estimate and gradients, everything made afresh.
  private func step(_ name: String, _ combination: Combination, _ images: Tensor) throws
    -> (model: RecurrentSceneModel, estimate: Estimate, gradients: [Tensor])
  {
    let model = try Tiny.model(combination.config, spread: 0.1)
    let estimate = try estimator(name, model).estimate(
      model, images, at: 0, noise: EstimatorNoise(RandomStream(seed: 1)))
    return (model, estimate, gradients(of: estimate.loss, for: model.store.parameters))
  }

  @Test(arguments: estimators.names)
  func anyCombinationOfPartsTrains(estimator name: String) throws {
    let images = Tiny.images(8)
    let combinations = Combination.all + Combination.categorical
    #expect(combinations.count >= 6 * 2 * 2 * 16)
    for combination in combinations {
      let (model, estimate, slopes) = try step(name, combination, images)
      #expect(estimate.loss.scalar.isFinite, "\(combination.testDescription)")
      for (term, value) in estimate.terms where value.shape != [8] {
        Issue.record("\(combination.testDescription): \(term) has shape \(value.shape)")
      }
      for (parameter, gradient) in zip(model.store.parameters, slopes) {
        let size = gradient.sumOfSquares()
        if !(size > 0 && size.isFinite) {
          Issue.record("\(combination.testDescription): the gradient of \(parameter.name) has square \(size)")
        }
      }
    }
  }

  @Test(arguments: estimators.names, Combination.chosen + Combination.categorical)
  func sameSeedGivesTheSameBits(estimator name: String, combination: Combination) throws {
    let images = Tiny.images(4)
    let (first, second) = (try step(name, combination, images), try step(name, combination, images))
    #expect(first.estimate.loss.scalar == second.estimate.loss.scalar)
    #expect(first.gradients.map { $0.array() } == second.gradients.map { $0.array() })
  }

  /// The second step of a model with difference input sees the image less the first object, present or not.
  @Test func differenceInputIsWhatEarlierStepsLeave() throws {
    let images = Tiny.images(16)
    let draw = Draw(.sampled, noise: RandomStream(seed: 0), progress: .step(0))
    let first = try Tiny.model(Tiny.config(.dair) { $0.steps = 1 }).run(images, draw)
    let object = try #require(first.canvas.last)
    let pass = try Tiny.model(Tiny.config(.dair) { $0.steps = 2 }).infer(images, drawing: draw)
    #expect(Set(try #require(first.pass.count).array()) == [0, 1])
    #expect(object.sumOfSquares() > 1)
    expectClose(pass.contexts[0].pixels.dense, images.flattened())
    expectClose(pass.contexts[1].pixels.dense, images.flattened())
    #expect(pass.contexts[0].drawn.isEmpty && pass.contexts[1].drawn.count == 1)
    expectClose(try #require(pass.contexts[1].drawn.first).dense, object.flattened())
  }

  /// Both models see the image; only what the second window reads differs.
  @Test func glimpseSourceDecidesWhatLaterWindowsRead() throws {
    func means(_ source: Controller.Config.Input) throws -> [[Float]] {
      let model = try Tiny.model(Tiny.config { $0.controller.glimpseSource = source })
      let draw = Draw(.mode, noise: RandomStream(seed: 0), progress: .step(0))
      return model.infer(Tiny.images(4), drawing: draw).terms.compactMap { term in
        guard term.node == "appearance", case .normal(let latent) = term.latent else { return nil }
        return latent.mean.array()
      }
    }
    let (image, difference) = (try means(.image), try means(.difference))
    #expect(image[0] == difference[0])
    #expect(image[1] != difference[1])
  }

  /// Each its own: vimco follows the importance-weighted one.
  @Test(arguments: estimators.names)
  func trainingLowersTheBound(estimator name: String) throws {
    let model = try Tiny.model(Tiny.config(), spread: 0.1)
    let images = Tiny.images(16)
    let estimator = try estimator(name, model)
    var config = Adam.Config()
    config.rate = Schedule(1e-2)
    let optimizer = Adam(config, OptimizerContext(parameters: model.store.parameters))
    func bound() -> Float {
      model.store.frozen {
        let noise = EstimatorNoise(RandomStream(seed: 3))
        guard name == "vimco" else { return Marginal().estimate(model, images, at: 0, noise: noise).loss.scalar }
        let terms = estimator.estimate(model, images, at: 0, noise: noise).terms
        return terms.first { $0.name == "iw_nelbo" }?.value.mean().scalar ?? .nan
      }
    }
    let before = bound()
    for step in 0..<150 {
      let estimate = estimator.estimate(model, images, at: 0, noise: EstimatorNoise(RandomStream(seed: 4).at(step)))
      let slopes = estimate.gradients(for: model.store.parameters)
      optimizer.update(slopes, scales: slopes.map { _ in 1 }, at: step)
    }
    let after = bound()
    #expect(after < before - 5)
  }

  /// The gradient, integrated along a segment, is the difference of the bound between its ends: a check by finite
  /// differences that kinks (relu, bilinear sampling) hardly disturb. One random direction for each parameter; what is left
  /// is the error of the midpoint rule at kinks, which goes to zero with more points.
  @Test(arguments: Combination.chosen)
  func gradientIntegratesToTheDifferenceOfTheBound(_ combination: Combination) throws {
    let model = try Tiny.model(combination.config)
    let images = Tiny.images(2)
    func bound() -> Tensor {
      model.infer(images, drawing: Draw(.marginal(), noise: RandomStream(seed: 6), progress: .step(0))).negativeBound
    }
    let points = 48
    for parameter in model.store.parameters {
      let start = Tensor(shape: parameter.shape, parameter.tensor.array())
      let normals = RandomStream(seed: 7).child(parameter.name).normals(parameter.shape)
      let direction = normals.scaled(by: 0.2 / Float(normals.sumOfSquares().squareRoot()))
      func move(to share: Float) { parameter.assign(start + direction.scaled(by: share)) }
      var (integral, size) = (0.0, 0.0)
      for point in 0..<points {
        move(to: (Float(point) + 0.5) / Float(points))
        let slope = gradients(of: bound().sum(), for: [parameter])[0]
        let along = zip(slope.array(), direction.array()).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        integral += along / Double(points)
        size += abs(along) / Double(points)
      }
      func end(_ share: Float) -> Double {
        move(to: share)
        return bound().array().reduce(0) { $0 + Double($1) }
      }
      let difference = end(1) - end(0)
      parameter.assign(start)
      expectClose(integral, difference, absolute: 5e-5 + 0.05 * size, relative: 0, parameter.name)
    }
  }

  @Test func generatedCountsFollowThePriorAtTheEndOfItsSchedule() throws {
    let config = Tiny.config {
      var prior = IndependentPrior.Config()
      prior.count.config = TruncatedGeometric(ratio: Schedule(.linear, from: 0.01, to: 0.5, begin: 0, end: 100))
      $0.prior.config = prior
    }
    let count = 4000
    let scenes = try Tiny.model(config).generate(count, objects: nil, random: RandomStream(seed: 3)).scenes
    // P(n) proportional to 0.5^n for n = 0 ... 3.
    for number in 0...3 {
      let p = [8.0, 4, 2, 1][number] / 15
      let frequency = Double(scenes.filter { $0.count == number }.count) / Double(count)
      #expect(abs(frequency - p) < 4 * (p * (1 - p) / Double(count)).squareRoot(), "\(number)")
    }
  }

  @Test(arguments: Combination.chosen + Combination.categorical) func generatedScenesHaveTheNumberOfObjectsAskedFor(
    combination: Combination
  )
    throws
  {
    let model = try Tiny.model(combination.config)
    for objects in 0...3 {
      let made = model.generate(5, objects: objects, random: RandomStream(seed: 3))
      #expect(made.scenes.allSatisfy { $0.count == objects })
      #expect(made.reconstruction.shape == [5, 1, 6, 6] && made.reconstruction.array().allSatisfy(\.isFinite))
      let again = model.generate(5, objects: objects, random: RandomStream(seed: 3))
      #expect(again.reconstruction.array() == made.reconstruction.array())
      let other = model.generate(5, objects: objects, random: RandomStream(seed: 4))
      if objects > 0 { #expect(other.reconstruction.array() != made.reconstruction.array()) }
    }
  }

  @Test func aGeneratedSceneWithoutObjectsAndBackgroundIsBlack() throws {
    let made = try Tiny.model(Tiny.config()).generate(3, objects: 0, random: RandomStream(seed: 3))
    #expect(made.reconstruction.array().allSatisfy { $0 == 0 })
  }
}
