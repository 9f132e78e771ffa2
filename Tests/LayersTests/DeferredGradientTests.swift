import Layers
import TestKit
import Testing

@testable import Tensors

/// The gradient of image weights, which is formed block by block while it is used.
@Suite struct DeferredGradientTests {
  /// Mostly blank images [images, pixels], and a loss of weights [pixels, outputs] in front of them.
  private func loss(_ weight: Parameter, images: Int, isSparse: Bool) -> Tensor {
    let shape = [images, weight.shape[0]]
    let pixels =
      RandomStream(seed: 1).child("mask").bernoullis(0.1, shape) * .normals(shape, awayFromZeroBy: 0.1, seed: 2)
    return
      (PixelRows(pixels, isSparse: isSparse).product(weight.tensor, nil) * .normals([images, weight.shape[1]], seed: 3))
      .sum()
  }

  private func weight(_ shape: [Int] = [300, 70]) -> Parameter { Parameter("weight", .normals(shape)) }

  @Test(arguments: [1, 2]) func updatesAreThoseOfAFormedGradient(threads: Int) throws {
    try Threads.use(threads)
    defer { try? Threads.use(1) }
    for choice in optimizers.names {
      let results = try [true, false].map { isDeferred -> [[Float]] in
        let weight = weight()
        let optimizer = try optimizers.make(optimizers.choice(choice), OptimizerContext(parameters: [weight]))
        for step in 0..<3 {
          let loss = loss(weight, images: 16, isSparse: true)
          let gradient =
            isDeferred ? deferredGradients(of: loss, for: [weight]) : gradients(of: loss, for: [weight])
          #expect((gradient[0].storage.deferred != nil) == isDeferred)
          optimizer.update(gradient, scales: [0.5], at: step)
          // Its user may still ask for the whole of it.
          #expect((gradient[0].storage.deferred != nil) == isDeferred)
          _ = gradient[0].array()
          #expect(gradient[0].storage.deferred == nil)
        }
        return [weight.tensor.array()] + optimizer.state.map { $0.tensor.array() }
      }
      #expect(results[0] == results[1], "\(choice)")
    }
  }

  @Test func itsNormIsThatOfTheDenseGradient() {
    for (pixels, outputs, images) in [(300, 70, 16), (40, 1000, 5), (2500, 33, 64)] {
      let weight = weight([pixels, outputs])
      let deferred = deferredGradients(of: loss(weight, images: images, isSparse: true), for: [weight])[0]
      #expect(deferred.storage.deferred != nil)
      let expected = gradients(of: loss(weight, images: images, isSparse: false), for: [weight])[0].array()
        .reduce(0.0) { $0 + Double($1) * Double($1) }
      expectClose(deferred.sumOfSquares(), expected, relative: 1e-5)
      #expect(deferred.storage.deferred != nil, "the norm must not form it")
    }
  }

  /// Images that are alike with opposite slopes: the gradient is the small difference of large terms.
  @Test func aNormThatCancelsIsTakenFromTheFormedGradient() {
    let weight = weight([100, 40])
    let image = Tensor.normals([1, 100], awayFromZeroBy: 0.1).array()
    let slopes = Tensor.normals([1, 40], awayFromZeroBy: 0.5, seed: 4).array()
    let rows = PixelRows(Tensor(shape: [2, 100], image + image), isSparse: true)
    let cotangent = Tensor(shape: [2, 40], slopes + slopes.map { -$0 * 1.0001 })
    let gradient = deferredGradients(of: (rows.product(weight.tensor, nil) * cotangent).sum(), for: [weight])[0]
    let found = gradient.sumOfSquares()
    expectClose(found, gradient.array().reduce(0.0) { $0 + Double($1) * Double($1) }, relative: 1e-5)
  }

  @Test(arguments: [Float.infinity, .nan]) func aGradientThatIsNotFiniteHasNoFiniteNorm(value: Float) {
    let weight = weight([100, 40])
    let rows = PixelRows(.ones([8, 100]), isSparse: true)
    let cotangent = Tensor(repeating: value, shape: [8, 40])
    let gradient = deferredGradients(of: (rows.product(weight.tensor, nil) * cotangent).sum(), for: [weight])
    #expect(!Clipping().scales(for: gradient).norm.isFinite)
  }

  /// What overflows a dot product of slopes, and not the gradient.
  @Test func aLargeGradientHasAFiniteNorm() {
    let weight = weight([100, 40])
    let rows = PixelRows(Tensor(repeating: 1e-20, shape: [8, 100]), isSparse: true)
    let cotangent = Tensor(repeating: 1e25, shape: [8, 40])
    let gradient = deferredGradients(of: (rows.product(weight.tensor, nil) * cotangent).sum(), for: [weight])
    expectClose(Clipping().scales(for: gradient).norm, 8e5 * 4000.0.squareRoot(), relative: 1e-5)
  }

  @Test func aSecondTermIsAddedToTheFirst() {
    let weight = weight()
    func gradient(_ isSparse: Bool) -> Tensor {
      let loss = loss(weight, images: 16, isSparse: isSparse) + loss(weight, images: 9, isSparse: isSparse)
      return deferredGradients(of: loss, for: [weight])[0]
    }
    #expect(gradient(true).storage.deferred == nil)
    expectClose(gradient(true), gradient(false), absolute: 2e-5)
  }
}
