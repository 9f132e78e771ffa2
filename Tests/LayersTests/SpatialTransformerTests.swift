import Configuration
import Foundation
import Tensors
import TestKit
import Testing

@testable import Layers

/// A named window config.
struct WindowCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let config: WindowConfig
  /// Number of latents.
  let size: Int

  init(_ name: String, size: Int, _ change: (inout WindowConfig) -> Void = { _ in }) {
    var config = WindowConfig()
    change(&config)
    (testDescription, self.config, self.size) = (name, config, size)
  }

  var transformer: SpatialTransformer { SpatialTransformer(config) }

  /// Latents [batch, size], away from where the maps saturate.
  func latents(_ batch: Int, seed: Int = 1) -> Tensor { Tensor.normals([batch, size], seed: seed) }
}

@Suite struct SpatialTransformerTests {
  static let cases = [
    WindowCase("isotropic", size: 3),
    WindowCase("anisotropic", size: 4) { $0.scale = .anisotropic },
    WindowCase("far shifts", size: 3) { ($0.shiftMaximum, $0.minimum, $0.maximum) = (2, 0.2, 1.5) },
    WindowCase("rotated", size: 4) { $0.rotation = 3.1415 },
    WindowCase("rotated, anisotropic", size: 5) { ($0.rotation, $0.scale) = (1.5, .anisotropic) },
    WindowCase("sheared", size: 4) { $0.shear = 0.7 },
    WindowCase("sheared, anisotropic", size: 5) { ($0.shear, $0.scale) = (1.5, .anisotropic) },
    WindowCase("rotated, sheared", size: 5) { ($0.rotation, $0.shear) = (2, 0.7) },
    WindowCase("full", size: 7) { $0.linear = .full },
    WindowCase("full, anisotropic", size: 8) { ($0.linear, $0.scale) = (.full, .anisotropic) },
    WindowCase("everything", size: 10) {
      ($0.scale, $0.rotation, $0.shear, $0.linear) = (.anisotropic, 3, 0.5, .full)
    },
  ]

  /// A point map (a, b, tx, c, d, ty) of one row of latents from its definition, in double precision.
  static func pointMap(_ config: WindowConfig, _ latents: [Float]) -> [Double] {
    var rest = latents.map(Double.init)[...]
    func scale() -> Double { config.minimum + (config.maximum - config.minimum) / (1 + exp(-rest.removeFirst())) }
    typealias Matrix = [[Double]]
    func product(_ a: Matrix, _ b: Matrix) -> Matrix {
      (0..<2).map { i in (0..<2).map { j in a[i][0] * b[0][j] + a[i][1] * b[1][j] } }
    }
    let scaleX = scale()
    let scaleY = config.scale == .isotropic ? scaleX : scale()
    let shift = (0..<2).map { _ in config.shiftMaximum * tanh(rest.removeFirst()) }
    var matrix: Matrix = [[scaleX, 0], [0, scaleY]]
    if config.rotation > 0 {
      let angle = config.rotation * tanh(rest.removeFirst())
      matrix = product(matrix, [[cos(angle), -sin(angle)], [sin(angle), cos(angle)]])
    }
    if config.shear > 0 { matrix = product(matrix, [[1, config.shear * tanh(rest.removeFirst())], [0, 1]]) }
    if config.linear == .full {
      let free = (0..<4).map { _ in 0.4 * tanh(rest.removeFirst()) }
      matrix = product(matrix, [[1 + free[0], free[1]], [free[2], 1 + free[3]]])
    }
    precondition(rest.isEmpty)
    return [matrix[0][0], matrix[0][1], shift[0], matrix[1][0], matrix[1][1], shift[1]]
  }

  /// The map that does `second` after `first`, row by row of [batch, 6].
  static func composed(_ second: Tensor, _ first: Tensor) -> [Float] {
    let (s, f) = (second.array().map(Double.init), first.array().map(Double.init))
    return stride(from: 0, to: s.count, by: 6).flatMap { row in
      (0..<2).flatMap { i in
        (0..<3).map { j in
          let at = row + 3 * i
          return Float(s[at] * f[row + j] + s[at + 1] * f[row + 3 + j] + (j == 2 ? s[at + 2] : 0))
        }
      }
    }
  }

  @Test(arguments: cases)
  func thePriorHasOneMeanAndDeviationALatent(example: WindowCase) {
    let transformer = example.transformer
    #expect(transformer.size == example.size)
    #expect(transformer.priorMean.shape == [example.size])
    #expect(transformer.priorDeviation.shape == [example.size])
    #expect(transformer.isAligned == ["isotropic", "anisotropic", "far shifts"].contains(example.testDescription))
  }

  @Test(arguments: cases)
  func windowsMatchTheirDefinition(example: WindowCase) {
    let latents = example.latents(50)
    let rows = stride(from: 0, to: latents.count, by: example.size).map {
      Array(latents.array()[$0..<$0 + example.size])
    }
    let expected = rows.flatMap { SpatialTransformerTests.pointMap(example.config, $0).map { Float($0) } }
    expectClose(example.transformer.window(latents).forward, Tensor(shape: [50, 6], expected), absolute: 2e-6)
  }

  @Test(arguments: cases)
  func readingAndWritingAreExactInverses(example: WindowCase) {
    let window = example.transformer.window(example.latents(100, seed: 2))
    let identity = Array(repeating: [1, 0, 0, 0, 1, 0] as [Float], count: 100).flatMap { $0 }
    expectClose(SpatialTransformerTests.composed(window.forward, window.inverse), identity, absolute: 1e-5)
    expectClose(SpatialTransformerTests.composed(window.inverse, window.forward), identity, absolute: 1e-5)
  }

  @Test(arguments: cases)
  func gradientsMatchFiniteDifferences(example: WindowCase) {
    let transformer = example.transformer
    expectGradient(
      of: {
        let window = transformer.window($0)
        return .concatenating([window.forward, window.inverse])
      }, at: example.latents(3) * 0.7, absolute: 2e-3, relative: 2e-3)
  }

  @Test(arguments: cases)
  func scalesAndShiftsStayWithinTheirBounds(example: WindowCase) {
    let config = example.config
    let extremes = Tensor(
      shape: [4, example.size], [Float(-60), 60, -5, 5].flatMap { Array(repeating: $0, count: example.size) })
    let window = example.transformer.window(extremes)
    #expect((window.forward.array() + window.inverse.array()).allSatisfy { $0.isFinite })
    let map = window.forward.array()
    for row in stride(from: 0, to: map.count, by: 6) {
      #expect(abs(Double(map[row + 2])) <= config.shiftMaximum * 1.000001)
      #expect(abs(Double(map[row + 5])) <= config.shiftMaximum * 1.000001)
      if example.transformer.isAligned {
        for scale in [map[row], map[row + 4]] {
          #expect(Double(scale) >= config.minimum - 1e-6 && Double(scale) <= config.maximum + 1e-6)
        }
      }
    }
    expectClose(
      SpatialTransformerTests.composed(window.forward, window.inverse),
      Array(repeating: [1, 0, 0, 0, 1, 0] as [Float], count: 4).flatMap { $0 }, absolute: 1e-4)
  }

  @Test(arguments: [(0.33, 0.03, 0.1, 1.0), (0.5, 0.1, 0.01, 1.0), (0.2, 0.01, 0.1, 2.0), (0.9, 0.02, 0.1, 1.0)])
  func aPriorShareKeepsItsMeanAndSlope(mean: Double, deviation: Double, minimum: Double, maximum: Double) {
    var config = WindowConfig()
    (config.minimum, config.maximum) = (minimum, maximum)
    config.scalePrior = NormalShare(mean: mean, deviation: deviation)
    for scale in WindowConfig.Scale.allCases {
      config.scale = scale
      let transformer = SpatialTransformer(config)
      let prior = (transformer.priorMean.array().map(Double.init), transformer.priorDeviation.array().map(Double.init))
      func share(_ u: Double) -> Double { minimum + (maximum - minimum) / (1 + exp(-u)) }
      for latent in 0..<(scale == .isotropic ? 1 : 2) {
        expectClose(share(prior.0[latent]), mean, relative: 1e-6)
        let step = 1e-3 * prior.1[latent]
        let slope = (share(prior.0[latent] + step) - share(prior.0[latent] - step)) / (2e-3)
        expectClose(slope, deviation, relative: 1e-4)
      }
    }
  }

  @Test func sharesDrawnFromThePriorHaveTheGivenMeanAndDeviation() {
    let transformer = SpatialTransformer(WindowConfig())
    let u = transformer.priorMean + transformer.priorDeviation * .normals([20_000, 3])
    let shares = transformer.window(u).forward.columns(0..<1).array().map(Double.init)
    let mean = shares.reduce(0, +) / 20_000
    let variance = shares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20_000
    expectClose(mean, 0.33, absolute: 0.002)
    expectClose(variance.squareRoot(), 0.03, relative: 0.03)
  }

  @Test func otherPriorsAreTakenAsTheyAre() {
    var config = WindowConfig()
    (config.rotation, config.shear, config.linear) = (1, 1, .full)
    (config.shiftPrior, config.rotationPrior) = (Deviation(2), Deviation(3))
    (config.shearPrior, config.linearPrior) = (Deviation(4), Deviation(5))
    let transformer = SpatialTransformer(config)
    #expect(Array(transformer.priorDeviation.array().dropFirst()) == [2, 2, 3, 4, 5, 5, 5, 5])
    #expect(Array(transformer.priorMean.array().dropFirst()) == [0, 0, 0, 0, 0, 0, 0, 0])
  }

  @Test func anAlignedWindowSamplesAsAGeneralOne() {
    let transformer = SpatialTransformer(WindowConfig())
    let window = transformer.window(.normals([3, 3]))
    let general = Window(forward: window.forward, inverse: window.inverse, isAligned: false)
    let images = Tensor.normals([3, 2, 10, 12])
    let glimpses = images.read(window, side: 5)
    #expect(glimpses.shape == [3, 2, 5, 5])
    expectClose(glimpses, images.read(general, side: 5), absolute: 1e-5)
    let written = glimpses.written(window, height: 10, width: 12)
    #expect(written.shape == images.shape)
    expectClose(written, glimpses.written(general, height: 10, width: 12), absolute: 1e-5)
  }

  @Test(arguments: cases)
  func aPatchIsWrittenWhereItWasRead(example: WindowCase) {
    // An image that is linear in x and y is read without error, so a point of the glimpse shows where it came from.
    let (side, height, width) = (9, 64, 48)
    let latents = example.latents(1, seed: 3) * 0.2
    let window = example.transformer.window(latents)
    let coordinate = { (i: Int, n: Int) in Float(2 * i + 1) / Float(n) - 1 }
    let image = Tensor(
      shape: [1, 2, height, width],
      (0..<height).flatMap { _ in (0..<width).map { coordinate($0, width) } }
        + (0..<height).flatMap { i in (0..<width).map { _ in coordinate(i, height) } })
    let glimpse = image.read(window, side: side).array()
    let map = SpatialTransformerTests.pointMap(example.config, latents.array()).map { Float($0) }
    for i in 0..<side {
      for j in 0..<side {
        let (u, v) = (coordinate(j, side), coordinate(i, side))
        let (x, y) = (map[0] * u + map[1] * v + map[2], map[3] * u + map[4] * v + map[5])
        guard abs(x) < 0.95, abs(y) < 0.95 else { continue }
        expectClose([glimpse[i * side + j], glimpse[side * side + i * side + j]], [x, y], absolute: 1e-5)
      }
    }
    // The middle of the glimpse is written to the middle of the window.
    let bump = Tensor(shape: [1, 1, side, side], (0..<side * side).map { $0 == side * side / 2 ? 1 : 0 })
    let written = bump.written(window, height: height, width: width).array()
    let total = written.reduce(0, +)
    let x = written.indices.reduce(Float(0)) { $0 + written[$1] * coordinate($1 % width, width) } / total
    let y = written.indices.reduce(Float(0)) { $0 + written[$1] * coordinate($1 / width, height) } / total
    expectClose([x, y], [map[2], map[5]], absolute: 0.02)
  }

  @Test func latentsThatDoNotFitAreRefused() async {
    await #expect(processExitsWith: .failure) { _ = SpatialTransformer(WindowConfig()).window(.zeros([2, 4])) }
  }
}

@Suite struct WindowConfigTests {
  private func load(_ text: String) throws -> WindowConfig {
    try ConfigurationFile.load(WindowConfig.self, text: text, name: "window.yaml").value
  }

  private func fault(_ text: String) -> String {
    do {
      _ = try load(text)
      return "nothing was thrown"
    } catch { return "\(error)" }
  }

  @Test func keysReachTheConfig() throws {
    let config = try load(
      """
      scale: anisotropic
      minimum: 0.2
      maximum: 1.5
      shift_maximum: 1.2
      rotation: 1.5
      shear: 0.3
      linear: full
      scale_prior: { mean: 0.5, deviation: 0.1 }
      shift_prior: { deviation: 2 }
      rotation_prior: { deviation: 3 }
      shear_prior: { deviation: 4 }
      linear_prior: { deviation: 5 }
      initial_deviation: 0.1
      """)
    #expect(config.scale == .anisotropic && config.linear == .full)
    #expect([config.minimum, config.maximum, config.shiftMaximum] == [0.2, 1.5, 1.2])
    #expect([config.rotation, config.shear, config.initialDeviation] == [1.5, 0.3, 0.1])
    #expect([config.scalePrior.mean, config.scalePrior.deviation, config.shiftPrior.deviation] == [0.5, 0.1, 2])
    #expect(
      [config.rotationPrior.deviation, config.shearPrior.deviation, config.linearPrior.deviation] == [3, 4, 5])
    #expect(SpatialTransformer(config).size == 10)
  }

  @Test func theDefaultsHaveNoProblems() { #expect(WindowConfig().problems().isEmpty) }

  @Test func boundsAndPriorMustFit() {
    #expect(fault("minimum: 0.5\nmaximum: 0.4").contains("'minimum' 0.5 is not below maximum (0.4)"))
    #expect(fault("minimum: 0.4").contains("'scale_prior' mean 0.33 is not between minimum (0.4) and maximum (1.0)"))
    #expect(fault("maximum: 0.3").contains("'scale_prior'"))
    #expect(fault("scale: wide").contains("anisotropic"))
  }
}
