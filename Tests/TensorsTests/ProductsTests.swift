import Foundation
import Tensors
import TestKit
import Testing

@Suite struct ProductsTests {
  static let sizes = [[1, 1, 1], [2, 3, 4], [5, 1, 3], [1, 7, 1], [17, 3, 2]]  // rows, inner, columns
  static let transpositions = [[false, false], [true, false], [false, true], [true, true]]

  static func transposed(_ x: Tensor) -> Tensor {
    let (rows, columns, values) = (x.shape[0], x.shape[1], x.array())
    return Tensor(
      shape: [columns, rows], (0..<columns).flatMap { column in (0..<rows).map { values[$0 * columns + column] } })
  }

  static func product(_ a: Tensor, _ b: Tensor) -> Tensor {
    let (m, k, n) = (a.shape[0], a.shape[1], b.shape[1])
    let (x, y) = (a.array().map(Double.init), b.array().map(Double.init))
    return Tensor(
      shape: [m, n],
      (0..<m * n).map { at in Float((0..<k).reduce(0) { $0 + x[at / n * k + $1] * y[$1 * n + at % n] }) })
  }

  @Test(arguments: sizes, transpositions)
  func matrixProductMatchesItsDefinition(size: [Int], isTransposed: [Bool]) {
    let (a, b) = (Tensor.normals([size[0], size[1]]), Tensor.normals([size[1], size[2]], seed: 2))
    let expected = ProductsTests.product(a, b)
    let first = isTransposed[0] ? ProductsTests.transposed(a) : a
    let second = isTransposed[1] ? ProductsTests.transposed(b) : b
    expectClose(first.matrixProduct(second, transposed: isTransposed[0], otherTransposed: isTransposed[1]), expected)
    expectGradients(
      of: { $0[0].matrixProduct($0[1], transposed: isTransposed[0], otherTransposed: isTransposed[1]) },
      at: [first, second], absolute: 5e-4)
  }

  @Test func gradientsOfProductsAreAddedToWhatIsThere() {
    for isTransposed in ProductsTests.transpositions {
      expectGradients(
        of: { x in
          let product = { x[0].matrixProduct(x[1], transposed: isTransposed[0], otherTransposed: isTransposed[1]) }
          return (product() * product() + x[0]) * x[1]
        }, at: [.normals([3, 3]), .normals([3, 3], seed: 2)], absolute: 2e-3)
    }
  }

  @Test func innerSizesThatDifferAreRefused() async {
    await #expect(processExitsWith: .failure) { _ = Tensor.zeros([2, 3]).matrixProduct(.zeros([2, 3])) }
    await #expect(processExitsWith: .failure) { _ = Tensor.zeros([2, 3]).dense(.zeros([2, 3]), nil) }
  }

  static let activations: [(Activation, @Sendable (Double) -> Double)] = [
    (.none, { $0 }), (.relu, { max($0, 0) }), (.sigmoid, { 1 / (1 + exp(-$0)) }), (.tanh, { tanh($0) }),
    (.softplus, { log1p(exp($0)) }), (.elu, { $0 > 0 ? $0 : expm1($0) }),
  ]

  /// Inputs, weight and bias of a dense layer. None of its sums, with or without bias, is near a kink.
  static func layer(_ size: [Int]) -> [Tensor] {
    for seed in 0..<10_000 {
      let x = Tensor.normals([size[0], size[1]], seed: 3 * seed)
      let weight = Tensor.normals([size[1], size[2]], seed: 3 * seed + 1)
      let bias = Tensor.normals([size[2]], seed: 3 * seed + 2)
      let sums = product(x, weight)
      if (sums.array() + (sums + bias).array()).allSatisfy({ abs($0) > 0.15 }) { return [x, weight, bias] }
    }
    Issue.record("no layer of size \(size) is away from all kinks")
    return []
  }

  @Test(arguments: Activation.allCases, [[1, 1, 1], [2, 3, 4], [3, 1, 5], [5, 2, 1]])
  func denseLayersMatchTheirDefinition(activation: Activation, size: [Int]) throws {
    let parts = ProductsTests.layer(size)
    let function = try #require(ProductsTests.activations.first { $0.0 == activation }?.1)
    for bias in [parts[2], nil] {
      let sums = ProductsTests.product(parts[0], parts[1]) + (bias ?? Tensor(0))
      let expected = Tensor(shape: sums.shape, sums.array().map { Float(function(Double($0))) })
      expectClose(parts[0].dense(parts[1], bias, activation), expected, absolute: 2e-6)
    }
    expectGradients(of: { $0[0].dense($0[1], $0[2], activation) }, at: parts, absolute: 5e-4)
  }

  @Test(arguments: Activation.allCases)
  func aLayerWithoutABiasHasItsGradients(activation: Activation) {
    let parts = ProductsTests.layer([2, 3, 4])
    expectGradients(of: { $0[0].dense($0[1], nil, activation) }, at: [parts[0], parts[1]], absolute: 5e-4)
  }

  @Test func aLayerSeesAnyRankAsRows() {
    let (x, weight) = (Tensor.normals([2, 3, 4]), Tensor.normals([4, 5], seed: 2))
    expectClose(x.dense(weight, nil), x.reshaped([6, 4]).matrixProduct(weight))
    expectGradients(of: { $0[0].dense($0[1], nil) }, at: [x, weight], absolute: 1e-3)
  }

  @Test(arguments: sizes)
  func addingAProductMatchesItsDefinition(size: [Int]) {
    let (x, weight) = (Tensor.normals([size[0], size[1]]), Tensor.normals([size[1], size[2]], seed: 2))
    let start = Tensor.normals([size[0], size[2]], seed: 3)
    expectClose(start.adding(productOf: x, weight), start + ProductsTests.product(x, weight))
    expectGradients(of: { $0[0].adding(productOf: $0[1], $0[2]) }, at: [start, x, weight], absolute: 5e-4)
  }

  @Test func addingAProductOfItselfAddsBothGradients() {
    expectGradients(
      of: { $0[0].adding(productOf: $0[0], $0[1]) }, at: [.normals([2, 3]), .normals([3, 3])], absolute: 5e-4)
  }

  @Test func aProductOfThreeLayersHasItsGradients() {
    let x = Tensor.normals([4, 3], seed: 9)
    expectGradients(
      of: { x.dense($0[0], $0[1], .tanh).dense($0[2], nil, .softplus).matrixProduct($0[2], otherTransposed: true) },
      at: [.normals([3, 2]), .normals([2]), .normals([2, 5])], absolute: 1e-3)
  }
}
