import Tensors
import TestKit
import Testing

@Suite struct PixelRowsTests {
  /// Pixels of which about `share` is nonzero. Some of the nonzero values are negative, and none is close to zero.
  static func pixels(_ rows: Int, _ columns: Int, share: Float) -> Tensor {
    RandomStream(seed: 1).child("mask").bernoullis(share, [rows, columns])
      * .normals([rows, columns], awayFromZeroBy: 0.1)
  }

  @Test(
    arguments: [Float(0), 0.05, 0.5, 1],
    [[1, 1, 1], [3, 40, 5], [7, 33, 16], [4, 100, 17], [2, 50, 64], [5, 31, 100], [6, 70, 131], [3, 20, 200]])
  func sparseProductsEqualDenseOnes(share: Float, size: [Int]) {
    let pixels = PixelRowsTests.pixels(size[0], size[1], share: share)
    let (sparse, dense) = (PixelRows(pixels, isSparse: true), PixelRows(pixels, isSparse: false))
    #expect(sparse.isSparse && !dense.isSparse)
    let parameters = [
      Parameter("weight", .normals([size[1], size[2]], seed: 2)), Parameter("bias", .normals([size[2]])),
    ]
    let cotangent = Tensor.normals([size[0], size[2]], seed: 3)
    let results = [sparse, dense].map { rows in
      let product = rows.product(parameters[0].tensor, parameters[1].tensor)
      return [product.detached()] + pulledBack(cotangent, from: product, to: parameters)
    }
    for (found, expected) in zip(results[0], results[1]) {
      expectClose(found, expected, absolute: 2e-5, "share \(share)")
    }
    expectClose(
      sparse.product(parameters[0].tensor, nil), dense.product(parameters[0].tensor, nil), absolute: 2e-5, "no bias")
  }

  @Test(arguments: [true, false])
  func gradientsMatchFiniteDifferences(isSparse: Bool) {
    let rows = PixelRows(PixelRowsTests.pixels(4, 9, share: 0.3), isSparse: isSparse)
    expectGradients(of: { rows.product($0[0], $0[1]) }, at: [.normals([9, 3]), .normals([3])], absolute: 5e-4)
    expectGradient(of: { rows.product($0, nil) }, at: .normals([9, 3]), absolute: 5e-4)
  }

  @Test(arguments: [true, false])
  func severalProductsAddTheirGradients(isSparse: Bool) {
    let first = PixelRows(PixelRowsTests.pixels(4, 9, share: 0.3), isSparse: isSparse)
    let second = PixelRows(PixelRowsTests.pixels(4, 9, share: 0.2) * 2, isSparse: isSparse)
    expectGradients(
      of: { first.product($0[0], $0[1]) * second.product($0[0], $0[1]) },
      at: [.normals([9, 19]), .normals([19])], absolute: 2e-3)
  }

  @Test(
    arguments: [Float(0.05), 0.3, 1],
    [[1, 1, 1], [3, 40, 5], [7, 33, 16], [9, 100, 17], [5, 31, 100], [6, 70, 131]])
  func whatIsDrawnGetsTheDenseGradientWhereItIsNotBlank(share: Float, size: [Int]) {
    let mask = RandomStream(seed: 1).child("mask").bernoullis(share, [size[0], size[1]])
    let drawn = Parameter("drawn", mask * .normals([size[0], size[1]], awayFromZeroBy: 0.1))
    let parameters = [
      drawn, Parameter("weight", .normals([size[1], size[2]], seed: 2)), Parameter("bias", .normals([size[2]])),
    ]
    let cotangent = Tensor.normals([size[0], size[2]], seed: 3)
    let results = [true, false].map { isSparse in
      let rows = PixelRows(drawn: drawn.tensor, isSparse: isSparse)
      // The rows are used twice, so that the addition of gradients is tested too.
      let product = rows.product(parameters[1].tensor, parameters[2].tensor) + rows.product(parameters[1].tensor, nil)
      return pulledBack(cotangent, from: product, to: parameters)
    }
    expectClose(results[0][0], results[1][0] * mask, absolute: 1e-4, "drawn")
    for (found, expected) in zip(results[0].dropFirst(), results[1].dropFirst()) {
      expectClose(found, expected, absolute: 1e-4)
    }
    let detached = PixelRows(drawn: drawn.tensor, isSparse: true).detached
    #expect(detached.isSparse && !detached.product(.normals([size[1], 2]), nil).needsGradient)
  }

  @Test func thePathFollowsTheCountOfNonzeroPixels() {
    let half = Tensor(shape: [2, 4], [1, 0, 0, 2, 0, 3, 4, 0])
    let eighth = Tensor(shape: [2, 4], [0, 0, 0, 2, 0, 0, 0, 0])
    #expect(!PixelRows(half).isSparse)
    #expect(PixelRows(eighth).isSparse)
    #expect(PixelRows(.zeros([3, 5])).isSparse)
    #expect(!PixelRows(.ones([3, 5])).isSparse)
  }

  @Test func imagesBecomeRows() {
    let images = PixelRowsTests.pixels(3, 24, share: 0.2).reshaped([3, 1, 4, 6])
    let weight = Tensor.normals([24, 5])
    let rows = PixelRows(images, isSparse: true)
    #expect(rows.rows == 3)
    #expect(rows.dense.shape == [3, 24])
    expectClose(rows.product(weight, nil), images.flattened().matrixProduct(weight))
  }

  @Test func blankRowsGiveTheBiasAndNoGradient() {
    let weight = Parameter("weight", .normals([6, 4]))
    let bias = Tensor.normals([4], seed: 2)
    let product = PixelRows(.zeros([3, 6]), isSparse: true).product(weight.tensor, bias)
    #expect(product.array() == bias.repeated(rows: 3).array())
    #expect(gradients(of: product.sum(), for: [weight])[0].array() == Array(repeating: 0, count: 24))
  }

  @Test func pixelsGetNoGradient() {
    let pixels = Parameter("pixels", .normals([2, 3]))
    for isSparse in [true, false] {
      #expect(!PixelRows(pixels.tensor, isSparse: isSparse).product(.normals([3, 2]), nil).needsGradient)
    }
  }
}
