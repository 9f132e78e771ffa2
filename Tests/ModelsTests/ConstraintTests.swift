import Foundation
import Inference
import Layers
import Tensors
import TestKit
import Testing

@testable import Models

/// AIR-ASR's regularizers against their definitions, element by element (Xu et al. 2019, section 4).
@Suite struct ConstraintTests {
  private let draw = Draw(.sampled, noise: RandomStream(seed: 3), progress: .step(0))

  // MARK: Counts

  /// A pass whose presences have these logits [image][step].
  private func pass(_ logits: [[Double]]) -> Pass {
    let batch = logits.count
    let terms = (0..<logits[0].count).map { step in
      let column = Tensor(shape: [batch], logits.map { Float($0[step]) })
      return Term(
        "presence", step: step, mask: .ones([batch]),
        .bernoulli(draw.bernoulli("presence", step: step, logits: column, priorLogOdds: Tensor(0))))
    }
    return Pass(terms: terms, logLikelihood: .zeros([batch]), count: .zeros([batch]), contexts: [])
  }

  private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  /// q(n) of one image.
  private func counts(_ logits: [Double]) -> [Double] {
    (0...logits.count).map { n in
      logits[..<n].reduce(1) { $0 * sigmoid($1) } * (n < logits.count ? sigmoid(-logits[n]) : 1)
    }
  }

  private let logits = (0..<7).map { image in
    (0..<4).map { step in sin(Double(3 * image + 5 * step) * 1.7) * 2.5 + 0.4 }
  }

  @Test(arguments: [[1, 3], [0], [4, 2], [0, 1, 2, 3, 4]])
  func theCountPenaltyIsItsDefinition(allowed: [Int]) throws {
    let q = logits.map(counts)
    let nearest = -q.map { own in allowed.map { log(own[$0]) }.max() ?? 0 }.reduce(0, +) / Double(q.count)
    let frequency =
      -log(Double(allowed.count))
      - allowed.map { i in log(q.map { $0[i] }.reduce(0, +) / Double(q.count)) }.reduce(0, +) / Double(allowed.count)
    let wrong = q.filter { own in !allowed.contains(own.firstIndex(of: own.max() ?? 0) ?? -1) }.count
    let penalty = AllowedCounts(AllowedCounts.Config(counts: allowed)).penalty(on: pass(logits), drawing: draw)
    expectClose(
      Double(try #require(penalty.batch).scalar), 10 * nearest + 100 * frequency, absolute: 1e-4, relative: 1e-5)
    #expect(penalty.perImage == nil && penalty.violated == Double(wrong) / Double(q.count))
  }

  @Test func theCountPenaltyVanishesWhereCountsAreAllowedAndEquallyFrequent() throws {
    // Certain counts of 1, 3, 3, 1.
    let certain = [[60.0, -60, 0], [60, 60, 60], [60, 60, 60], [60, -60, 5]]
    let penalty = AllowedCounts(AllowedCounts.Config(counts: [1, 3])).penalty(on: pass(certain), drawing: draw)
    #expect(abs(try #require(penalty.batch).scalar) < 1e-5 && penalty.violated == 0)
    let unequal = AllowedCounts(AllowedCounts.Config(counts: [1, 3])).penalty(
      on: pass(Array(certain[1...2])), drawing: draw)
    #expect(try #require(unequal.batch).scalar > 100 && unequal.violated == 0)
  }

  @Test func theCountPenaltysGradientMatchesFiniteDifferences() throws {
    let model = try Tiny.model(Tiny.config(), spread: 1)
    let images = Tiny.images(5)
    let penalty = AllowedCounts(
      AllowedCounts.Config(counts: [1, 3], weight: Schedule(1), frequencyWeight: Schedule(2)))
    let parameters = model.store.parameters.filter { $0.name.hasPrefix("head.output") }
    #expect(!parameters.isEmpty)
    expectGradients(
      of: { penalty.penalty(on: model.infer(images, drawing: draw), drawing: draw).batch ?? Tensor(0) },
      for: parameters, step: 0x1p-8, absolute: 1e-3, relative: 5e-3)
  }

  // MARK: Overlap

  private func fixed(_ change: (inout RecurrentSceneModel.Config) -> Void = { _ in }) throws -> RecurrentSceneModel {
    try Tiny.model(
      Tiny.config {
        $0.presence = .always
        change(&$0)
      }, spread: 1)
  }

  /// Windows (x, y, w, h) in pixels of 6 x 6, as a pass whose latents are those of an isotropic or anisotropic window.
  private func pass(_ windows: [[(x: Double, y: Double, w: Double, h: Double)]], anisotropic: Bool) -> Pass {
    func latents(_ window: (x: Double, y: Double, w: Double, h: Double)) -> [Float] {
      // Scale = 0.1 + 0.9 sigmoid(u), shift = tanh(v) in half canvases.
      func scale(_ size: Double) -> Double { -log(0.9 / (size / 6 - 0.1) - 1) }
      func shift(_ center: Double) -> Double { atanh(center / 3 - 1) }
      return
        ((anisotropic ? [scale(window.w), scale(window.h)] : [scale(window.w)]) + [shift(window.x), shift(window.y)])
        .map(Float.init)
    }
    let batch = windows.count
    let terms = windows[0].indices.map { step in
      let rows = windows.map { latents($0[step]) }
      let value = Tensor(shape: [batch, rows[0].count], rows.flatMap { $0 })
      let one = Tensor.ones(value.shape)
      let latent = Draw(.mode, noise: RandomStream(seed: 0), progress: .end).normal(
        "window", step: step, mean: value, deviation: one, priorMean: value, priorDeviation: one)
      return Term("window", step: step, mask: .ones([batch]), .normal(latent))
    }
    return Pass(terms: terms, logLikelihood: .zeros([batch]), count: .zeros([batch]), contexts: [])
  }

  /// Equation (11), pair by pair, with weights 1, 1, 20, 10.
  private func reference(
    _ windows: [(x: Double, y: Double, w: Double, h: Double)], smallest: Double, largest: Double, tolerance: Double
  ) -> Double {
    func l(_ x: Double) -> Double { max(x, 0) }
    var sum = 0.0
    for (i, a) in windows.enumerated() {
      sum += l(a.w / 2 - a.x) + l(a.x + a.w / 2 - 6) + l(a.h / 2 - a.y) + l(a.y + a.h / 2 - 6)
      for size in [a.w, a.h] { sum += 20 * (l(smallest - size) + l(size - largest)) / 2 }
      for (j, b) in windows.enumerated() where i != j {
        sum += l(min((a.w + b.w) / 2 - abs(a.x - b.x), (a.h + b.h) / 2 - abs(a.y - b.y)))
        sum += 10 * (l(abs(a.w - b.w) - tolerance) + l(abs(a.h - b.h) - tolerance)) / 2
      }
    }
    return sum
  }

  @Test(arguments: [false, true]) func theOverlapPenaltyIsItsDefinition(anisotropic: Bool) throws {
    let random = RandomStream(seed: 7).uniforms([12, 3, 4]).array().map(Double.init)
    let windows = (0..<12).map { image in
      (0..<3).map { step -> (x: Double, y: Double, w: Double, h: Double) in
        let at = (image * 3 + step) * 4
        let (w, h) = (0.8 + 4 * random[at + 2], 0.8 + 4 * random[at + 3])
        return (0.4 + 5.2 * random[at], 0.4 + 5.2 * random[at + 1], w, anisotropic ? h : w)
      }
    }
    let model = try fixed { if anisotropic { $0.window.scale = .anisotropic } }
    var config = SeparateWindows.Config()
    (config.smallest, config.largest, config.tolerance) = (Schedule(1.5), Schedule(2.5), 0.5)
    let penalty = try SeparateWindows(config, model).penalty(on: pass(windows, anisotropic: anisotropic), drawing: draw)
    let expected = windows.map { reference($0, smallest: 1.5, largest: 2.5, tolerance: 0.5) }
    expectClose(
      try #require(penalty.perImage), Tensor(shape: [12], expected.map(Float.init)), absolute: 1e-3, relative: 1e-4)
    #expect(penalty.batch == nil && penalty.violated == 1)
  }

  @Test func theOverlapPenaltyIsExactlyZeroWhereAllHolds() throws {
    let apart = [(x: 1.2, y: 1.3, w: 2.0, h: 2.0), (x: 4.5, y: 1.4, w: 1.9, h: 1.9), (x: 3.0, y: 4.6, w: 2.1, h: 2.1)]
    let touching = [
      (x: 1.2, y: 1.3, w: 2.0, h: 2.0), (x: 2.5, y: 1.4, w: 1.9, h: 1.9), (x: 3.0, y: 4.6, w: 2.1, h: 2.1),
    ]
    var config = SeparateWindows.Config()
    (config.smallest, config.largest, config.tolerance) = (Schedule(1.5), Schedule(2.5), 0.5)
    let penalty = try SeparateWindows(config, fixed()).penalty(
      on: pass([apart, touching], anisotropic: false), drawing: draw)
    let values = try #require(penalty.perImage).array()
    #expect(values[0] == 0 && values[1] > 0 && penalty.violated == 0.5)
  }

  @Test(arguments: [false, true]) func theOverlapPenaltysGradientMatchesFiniteDifferences(turned: Bool) throws {
    let model = try fixed {
      if turned { ($0.window.scale, $0.window.rotation) = (.anisotropic, 1) }
    }
    let images = Tiny.images(5)
    var config = SeparateWindows.Config()
    (config.smallest, config.largest, config.tolerance) = (Schedule(1.5), Schedule(2.5), 0.3)
    let regularizer = try SeparateWindows(config, model)
    let parameters = model.store.parameters.filter { $0.name.hasPrefix("head.output") }
    #expect(!parameters.isEmpty)
    expectGradients(
      of: {
        (regularizer.penalty(on: model.infer(images, drawing: draw), drawing: draw).perImage ?? Tensor(0)).mean()
          .scaled(by: 0.01)
      },
      for: parameters, step: 0x1p-12, absolute: 3e-3, relative: 1e-2)
  }

  // MARK: Fixed numbers of objects, learned priors

  @Test func alwaysPresentModelsHaveAsManyObjectsAsSteps() throws {
    let model = try fixed()
    let pass = model.infer(Tiny.images(4), drawing: draw)
    #expect(pass.count?.array() == [3, 3, 3, 3] && !pass.terms.contains { $0.node == "presence" })
    #expect(model.generate(2, objects: nil, random: RandomStream(seed: 1)).scenes.map(\.parts.count) == [3, 3])
    #expect(model.generate(2, objects: 1, random: RandomStream(seed: 1)).scenes.map(\.parts.count) == [1, 1])
  }

  @Test func obstaclesNameWhatIsMissing() throws {
    var config = AllowedCounts.Config(counts: [1, 4])
    #expect(config.obstacle(in: models.choice("air"))?.contains("allows 4 objects, but the model has 3 steps") == true)
    config.counts = [1, 3]
    #expect(config.obstacle(in: models.choice("dm-vae")) == nil)
    #expect(
      SeparateWindows.Config().obstacle(in: models.choice("air"))?.contains("set model.presence to always") == true)
    #expect(AllowedCounts.Config().problems().map(\.message).first?.contains("is empty") == true)
    // Bounds that cross at the end only.
    var crossing = SeparateWindows.Config()
    crossing.largest = Schedule(.linear, from: 15, to: 10, begin: 0, end: 100)
    #expect(crossing.problems().map(\.message) == ["11.0 exceeds largest (10.0); exchange the two"])
  }

  @Test func theBoundsOfWindowsFollowTheirSchedules() throws {
    let windows = [[(x: 1.5, y: 1.5, w: 2.0, h: 2.0), (x: 4.4, y: 4.4, w: 2.0, h: 2.0)]]
    var config = SeparateWindows.Config()
    config.smallest = Schedule(0.5)
    config.largest = Schedule(.linear, from: 2.5, to: 1.5, begin: 0, end: 100)
    let penalty = try SeparateWindows(config, fixed())
    // Beyond the bound by 0, 0.25 and 0.5 pixels, two windows, weight 20.
    for (step, expected) in [(0, 0.0), (75, 10), (100, 20)] {
      let drawn = Draw(.sampled, noise: RandomStream(seed: 3), progress: .step(step))
      let value = try #require(penalty.penalty(on: pass(windows, anisotropic: false), drawing: drawn).perImage)
      expectClose(Double(value.array()[0]), expected, absolute: 1e-3)
    }
  }

  /// What a learned prior generates follows what it says: place given scale, window given the windows before.
  @Test func theRecurrentPriorGeneratesWhatItExpects() throws {
    let model = try Tiny.model(
      Tiny.config {
        Tiny.remember(&$0)
        $0.presence = .always
      }, spread: 0.8)
    let drawn = Draw(.prior(objects: nil), noise: RandomStream(seed: 5), progress: .end)
    let pass = model.infer(.zeros([4000, 1, Tiny.side, Tiny.side]), drawing: drawn)
    for term in pass.terms {
      guard case .normal(let window) = term.latent, term.node == "window" else { continue }
      // Standardised by the prior that is given its own sample, windows are standard normal and uncorrelated.
      let standard = ((window.sample - window.priorMean) / window.priorDeviation).array().map(Double.init)
      let width = window.sample.columns
      for i in 0..<width {
        for j in 0...i {
          let product = (0..<4000).map { standard[$0 * width + i] * standard[$0 * width + j] }.reduce(0, +) / 4000
          #expect(abs(product - (i == j ? 1 : 0)) < 0.1)
        }
      }
      // Place does depend on scale.
      #expect(Set(window.priorMean.columns(1..<2).array()).count > 3000)
    }
  }
}
