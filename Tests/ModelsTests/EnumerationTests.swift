import Inference
import Layers
import Tensors
import TestKit
import Testing

@testable import Models

/// The marginal pass against all 2^T outcomes of the presences, each taken from a hard pass on the same continuous noise.
@Suite struct EnumerationTests {
  private static let combinations = Combination.chosen
  private let images = Tiny.images(3)
  private let noise = RandomStream(seed: 0)

  private func hardPass(_ model: RecurrentSceneModel, _ number: Int) -> Pass {
    let discrete = RandomStream(seed: 1).at(number)
    return model.infer(images, drawing: Draw(.sampled, noise: noise, discreteNoise: discrete, progress: .step(0)))
  }

  private func marginalPass(_ model: RecurrentSceneModel) -> Pass {
    model.infer(images, drawing: Draw(.marginal(), noise: noise, progress: .step(0)))
  }

  /// What enumeration makes of each image, and of their sum.
  private struct Enumeration {
    var bounds: [Double], probabilities: [Double], gradients: [[Double]]
  }

  /// Sums probability * negative bound over outcomes: hard passes are drawn until each image has shown each outcome, and
  /// each outcome counts once. The gradient is that of the sum, through probabilities and bounds.
  private func enumerate(_ model: RecurrentSceneModel) -> Enumeration {
    let (batch, parameters) = (images.shape[0], model.store.parameters)
    var sum = Enumeration(
      bounds: Array(repeating: 0, count: batch), probabilities: Array(repeating: 0, count: batch),
      gradients: parameters.map { Array(repeating: 0, count: $0.count) })
    var missing = Set((0..<batch).flatMap { row in (0..<8).map { row * 8 + $0 } })
    for number in 0..<3000 where !missing.isEmpty {
      let pass = hardPass(model, number)
      let presences = pass.presences
      let isNew = (0..<batch).map { row -> Float in
        let outcome = presences.enumerated().reduce(0) {
          $0 + ($1.element.sample.array()[row] > 0.5 ? 1 << $1.offset : 0)
        }
        return missing.remove(row * 8 + outcome) != nil ? 1 : 0
      }
      guard isNew.contains(1) else { continue }
      let logProbability = presences.reduce(Tensor.zeros([batch])) { sum, presence in
        sum + (presence.sample.scaled(by: 2, plus: -1) * presence.logits).logSigmoid()
      }
      let probability = Tensor(shape: [batch], isNew) * logProbability.exp()
      let share = probability * pass.negativeBound
      for row in 0..<batch {
        sum.bounds[row] += Double(share.array()[row])
        sum.probabilities[row] += Double(probability.array()[row])
      }
      for (index, gradient) in gradients(of: share.sum(), for: parameters).enumerated() {
        for (place, value) in gradient.array().enumerated() { sum.gradients[index][place] += Double(value) }
      }
    }
    #expect(missing.isEmpty, "outcomes never drawn: \(missing.count)")
    return sum
  }

  @Test(arguments: combinations)
  func marginalBoundAndGradientAreTheEnumeratedOnes(_ combination: Combination) throws {
    let model = try Tiny.model(combination.config)
    let enumeration = enumerate(model)
    expectClose(enumeration.probabilities.map(Float.init), [1, 1, 1])
    let bound = marginalPass(model).negativeBound
    expectClose(bound, enumeration.bounds.map(Float.init), relative: 1e-5)
    let slopes = gradients(of: bound.sum(), for: model.store.parameters)
    for (index, parameter) in model.store.parameters.enumerated() {
      let expected = enumeration.gradients[index].map(Float.init)
      let scale = Double(expected.map(abs).max() ?? 0)
      expectClose(slopes[index], expected, absolute: 1e-5 + 1e-4 * scale, relative: 0, parameter.name)
    }
  }

  /// The sum of the masked presence KLs is the KL between the distributions of counts.  Kosiorek 2017, eq. (9) and
  /// (10).
  @Test func presenceKLIsTheKLOfTheCounts() throws {
    let model = try Tiny.model(Tiny.config())
    let pass = marginalPass(model)
    let prior = TruncatedGeometric().logOdds(steps: 3, at: .step(0))
    let presenceKL = try #require(pass.reported.first { $0.name == "presence_kl" }).value.array()
    let logits = pass.presences.map { $0.logits.array().map(Double.init) }
    for row in 0..<3 {
      let (q, p) = (countProbabilities(logits.map { $0[row] }), countProbabilities(prior))
      let kl = zip(q, p).reduce(0) { $0 + $1.0 * ($1.0 / $1.1).logarithm }
      expectClose(Double(presenceKL[row]), kl, absolute: 1e-5, relative: 1e-5)
      let mean = q.enumerated().reduce(0) { $0 + Double($1.offset) * $1.element }
      expectClose(Double(try #require(pass.count).array()[row]), mean, absolute: 1e-6)
    }
  }

  /// What is fed forward does not depend on presences, so one pass yields q(n) for every n.
  @Test(arguments: combinations)
  func presenceLogitsDoNotDependOnPresences(_ combination: Combination) throws {
    let model = try Tiny.model(combination.config)
    let expected = marginalPass(model).presences.map { $0.logits.array() }
    var counts: Set<Float> = []
    for number in 0..<40 {
      let pass = hardPass(model, number)
      #expect(pass.presences.map { $0.logits.array() } == expected)
      counts.formUnion(try #require(pass.count).array())
    }
    #expect(counts == [0, 1, 2, 3])
  }

  @Test func otherContinuousNoiseMovesTheLogitsThatFollow() throws {
    let model = try Tiny.model(Tiny.config())
    func logits(_ seed: Int) -> [[Float]] {
      model.infer(images, drawing: Draw(.marginal(), noise: RandomStream(seed: seed), progress: .step(0))).presences
        .map { $0.logits.array() }
    }
    let (first, second) = (logits(0), logits(1))
    #expect(first[0] == second[0])
    #expect(first[1] != second[1] && first[2] != second[2])
  }

  @Test func withoutFeedbackLogitsDoNotDependOnNoise() throws {
    let model = try Tiny.model(Tiny.config { $0.controller.feedback = false })
    func logits(_ seed: Int) -> [[Float]] {
      model.infer(images, drawing: Draw(.marginal(), noise: RandomStream(seed: seed), progress: .step(0))).presences
        .map { $0.logits.array() }
    }
    #expect(logits(0) == logits(1))
  }
}
