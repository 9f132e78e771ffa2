import Foundation
import Tensors
import TestKit
import Testing

@Suite struct DistributionsTests {
  /// KL(N(m, s^2) || N(pm, ps^2)), by the trapezoidal rule over 24 standard deviations.
  static func integratedKL(_ m: Double, _ s: Double, _ pm: Double, _ ps: Double) -> Double {
    func log(_ x: Double, _ m: Double, _ s: Double) -> Double {
      -(x - m) * (x - m) / (2 * s * s) - Foundation.log(s * (2 * Double.pi).squareRoot())
    }
    let step = 0.01 * s
    return (-1200...1200).reduce(0) { sum, i in
      let x = m + Double(i) * step
      return sum + step * exp(log(x, m, s)) * (log(x, m, s) - log(x, pm, ps))
    }
  }

  @Test(arguments: [[1, 1], [3, 2], [2, 5]], [true, false])
  func normalKLMatchesItsIntegral(shape: [Int], isShared: Bool) {
    let priorShape = isShared ? [shape[1]] : shape
    let mean = Tensor.normals(shape)
    let deviation = Tensor.uniforms(shape, in: 0.3...2)
    let priorMean = Tensor.normals(priorShape, seed: 2)
    let priorDeviation = Tensor.uniforms(priorShape, in: 0.3...2, seed: 2)
    let found = mean.normalKL(deviation: deviation, priorMean: priorMean, priorDeviation: priorDeviation)
    let all = [mean, deviation, priorMean, priorDeviation].map { $0.array().map(Double.init) }
    let expected = (0..<shape[0]).map { row in
      (0..<shape[1]).reduce(0.0) { sum, column in
        let (own, prior) = (row * shape[1] + column, isShared ? column : row * shape[1] + column)
        return sum + DistributionsTests.integratedKL(all[0][own], all[1][own], all[2][prior], all[3][prior])
      }
    }
    expectClose(found, Tensor(shape: [shape[0]], expected.map(Float.init)), absolute: 1e-5)
  }

  @Test(arguments: [[1, 1], [1, 3], [3, 2], [2, 5], [2, 3, 2]], [true, false])
  func normalKLGradientsMatchFiniteDifferences(shape: [Int], isShared: Bool) {
    let priorShape = isShared ? [shape[shape.count - 1]] : shape
    expectGradients(
      of: { $0[0].normalKL(deviation: $0[1], priorMean: $0[2], priorDeviation: $0[3]) },
      at: [
        .normals(shape), .uniforms(shape, in: 0.5...2), .normals(priorShape, seed: 2),
        .uniforms(priorShape, in: 0.7...2, seed: 2),
      ], absolute: 1e-3)
  }

  @Test func normalKLGradientsAreAddedToWhatIsThere() {
    expectGradients(
      of: { x in
        let again = x[2].exp() * x[3].exp()
        return x[0].normalKL(deviation: x[1], priorMean: x[2], priorDeviation: x[3])
          + x[0].normalKL(deviation: x[1], priorMean: x[2], priorDeviation: x[3]).exp()
          + (x[0] * x[1] * again).rowSums()
      },
      at: [
        .normals([2, 3]), .uniforms([2, 3], in: 0.8...1.2), .normals([3], seed: 2), .uniforms([3], in: 1...2, seed: 2),
      ], absolute: 5e-3, relative: 2e-3)
  }

  @Test func aDistributionDoesNotDivergeFromItself() {
    let (mean, deviation) = (Tensor.normals([4, 3]), Tensor.uniforms([4, 3], in: 0.01...5))
    expectClose(
      mean.normalKL(deviation: deviation, priorMean: mean, priorDeviation: deviation), .zeros([4]), absolute: 1e-6)
  }

  @Test func onlyTheLatentsMayNeedAGradient() {
    let prior = (mean: Tensor.normals([3], seed: 2), deviation: Tensor.uniforms([3], in: 0.7...2, seed: 2))
    expectGradients(
      of: { $0[0].normalKL(deviation: $0[1], priorMean: prior.mean, priorDeviation: prior.deviation) },
      at: [.normals([2, 3]), .uniforms([2, 3], in: 0.5...2)], absolute: 1e-3)
  }

  @Test(arguments: [[1, 1], [3, 7], [2, 1, 4, 5]])
  func normalLogLikelihoodMatchesItsDefinition(shape: [Int]) {
    let (images, mean) = (Tensor.uniforms(shape), Tensor.uniforms(shape, in: -0.5...1.5, seed: 2))
    let width = images.count / shape[0]
    for deviation in [0.05, 0.3, 1.0] {
      let (x, m) = (images.array().map(Double.init), mean.array().map(Double.init))
      let sigma = Double(Float(deviation))
      let constant = log(sigma * (2 * Double.pi).squareRoot())
      let terms: [Double] = zip(x, m).map { x, m in -(x - m) * (x - m) / (2 * sigma * sigma) - constant }
      let expected = (0..<shape[0]).map { row in terms[row * width..<(row + 1) * width].reduce(0, +) }
      expectClose(
        images.normalLogLikelihood(mean: mean, deviation: Float(deviation)),
        Tensor(shape: [shape[0]], expected.map(Float.init)), absolute: 1e-5)
    }
    expectGradient(of: { images.normalLogLikelihood(mean: $0, deviation: 0.5) }, at: mean, absolute: 2e-3)
    expectGradient(
      of: { $0.exp() * images.normalLogLikelihood(mean: $0, deviation: 1).sum() }, at: mean, absolute: 1e-2)
  }

  @Test(arguments: [[1, 1], [3, 7], [2, 1, 4, 5]])
  func bernoulliLogLikelihoodMatchesItsDefinition(shape: [Int]) {
    let (images, canvas) = (Tensor.uniforms(shape), Tensor.uniforms(shape, in: 0.05...0.95, seed: 2))
    let width = images.count / shape[0]
    let (x, y) = (images.array().map(Double.init), canvas.array().map(Double.init))
    let terms: [Double] = zip(x, y).map { x, y in x * log(y) + (1 - x) * log1p(-y) }
    let expected = (0..<shape[0]).map { row in terms[row * width..<(row + 1) * width].reduce(0, +) }
    expectClose(
      images.bernoulliLogLikelihood(canvas: canvas, epsilon: 1e-6),
      Tensor(shape: [shape[0]], expected.map(Float.init)), absolute: 1e-5)
    let inside = Tensor.uniforms(shape, in: 0.3...0.7, seed: 2)
    expectGradient(of: { images.bernoulliLogLikelihood(canvas: $0, epsilon: 1e-6) }, at: inside, absolute: 2e-3)
    expectGradient(
      of: { $0.exp() * images.bernoulliLogLikelihood(canvas: $0, epsilon: 1e-6).sum() }, at: inside, absolute: 1e-2)
  }

  @Test func aBernoulliCanvasIsClippedAtBothEnds() {
    let epsilon: Float = 0.01
    let canvas = Parameter("canvas", Tensor(shape: [6, 1], [-3, 0, 0.005, 0.995, 1, 4]))
    let image = Tensor(shape: [6, 1], [1, 1, 1, 1, 0, 0.25])
    let found = image.bernoulliLogLikelihood(canvas: canvas.tensor, epsilon: epsilon)
    let (low, high) = (Float(log(0.01)), Float(log(0.99)))
    expectClose(found, [low, low, low, high, low, 0.25 * high + 0.75 * low])
    // The gradient is zero below epsilon. Above the upper clip it is that of the clipped value.
    expectClose(
      gradients(of: found.sum(), for: [canvas])[0],
      Tensor(shape: [6, 1], [0, 0, 0, 1 / 0.99, -1 / 0.01, 0.25 / 0.99 - 0.75 / 0.01]), relative: 1e-5)
  }

  @Test func aBlackPixelIsAsLikelyBelowTheClipAsAtIt() {
    let canvas = Tensor(shape: [4, 1], [-3, 0, 0.005, 0.01])
    let found = Tensor.zeros([4, 1]).bernoulliLogLikelihood(canvas: canvas, epsilon: 0.01)
    expectClose(found, Array(repeating: Float(log(0.99)), count: 4))
  }

  @Test func imagesOfLikelihoodsAreConstants() {
    let image = Parameter("image", .uniforms([2, 3]))
    #expect(!image.tensor.normalLogLikelihood(mean: .zeros([2, 3]), deviation: 1).needsGradient)
    #expect(!image.tensor.bernoulliLogLikelihood(canvas: .ones([2, 3]), epsilon: 1e-3).needsGradient)
  }

  @Test func shapesThatDoNotFitAreRefused() async {
    await #expect(processExitsWith: .failure) {
      _ = Tensor.zeros([2, 3]).normalKL(deviation: .ones([2, 3]), priorMean: .zeros([2]), priorDeviation: .ones([2]))
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor.zeros([2, 3]).normalLogLikelihood(mean: .ones([3]), deviation: 1)
    }
  }
}
