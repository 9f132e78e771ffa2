import Tensors
import TestKit
import Testing

/// An operation on two tensors, and the same operation on two numbers.
struct BinaryOperation: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let apply: @Sendable (Tensor, Tensor) -> Tensor
  let number: @Sendable (Float, Float) -> Float
}

@Suite struct ArithmeticTests {
  static let operations = [
    BinaryOperation(testDescription: "+", apply: { $0 + $1 }, number: { $0 + $1 }),
    BinaryOperation(testDescription: "-", apply: { $0 - $1 }, number: { $0 - $1 }),
    BinaryOperation(testDescription: "*", apply: { $0 * $1 }, number: { $0 * $1 }),
    BinaryOperation(testDescription: "/", apply: { $0 / $1 }, number: { $0 / $1 }),
  ]

  static let shapePairs: [[[Int]]] = [
    [[1, 1], [1, 1]], [[3], [3]], [[2, 5], [2, 5]], [[17], [17]], [[2, 3, 4], [2, 3, 4]],  // equal shapes
    [[], []], [[], [3]], [[2, 3], []], [[1], [4]], [[2, 3], [1]], [[2, 3], [1, 1]], [[1], [1, 1]],  // a scalar
    [[2, 3], [3]], [[3], [2, 3]], [[2, 3], [1, 3]], [[5, 1, 3], [3]], [[2, 3, 4], [3, 4]],  // a row
    [[2, 3], [2, 1]], [[2, 1], [2, 3]], [[2, 3, 4], [2, 1, 1]], [[2, 3, 4], [2, 3, 1]],  // a column
    [[2, 1], [1, 3]], [[1, 3], [2, 1]], [[2, 1], [3]], [[19, 1], [1, 33]], [[2, 3, 1], [4]],  // a column and a row
    [[1, 4], [4]], [[4, 1], [1]], [[1, 1, 1], [1]],
  ]

  /// Broadcasting by definition: sizes of 1 are repeated, and missing leading axes count as sizes of 1.
  static func reference(_ operation: BinaryOperation, _ a: Tensor, _ b: Tensor) -> Tensor {
    let rank = max(a.shape.count, b.shape.count)
    let shapeA = Array(repeating: 1, count: rank - a.shape.count) + a.shape
    let shapeB = Array(repeating: 1, count: rank - b.shape.count) + b.shape
    let shape = zip(shapeA, shapeB).map { max($0, $1) }
    let (x, y) = (a.array(), b.array())
    let values = (0..<shape.reduce(1, *)).map { flat in
      var rest = flat
      var (indexA, indexB, strideA, strideB) = (0, 0, 1, 1)
      for axis in shape.indices.reversed() {
        let position = rest % shape[axis]
        rest /= shape[axis]
        if shapeA[axis] > 1 { indexA += position * strideA }
        if shapeB[axis] > 1 { indexB += position * strideB }
        strideA *= shapeA[axis]
        strideB *= shapeB[axis]
      }
      return operation.number(x[indexA], y[indexB])
    }
    return Tensor(shape: shape, values)
  }

  @Test(arguments: operations, shapePairs)
  func valuesFollowTheBroadcast(operation: BinaryOperation, shapes: [[Int]]) {
    let (a, b) = (Tensor.normals(shapes[0]), Tensor.normals(shapes[1], awayFromZeroBy: 0.5, seed: 2))
    expectClose(operation.apply(a, b), ArithmeticTests.reference(operation, a, b), absolute: 0, relative: 3e-7)
  }

  @Test(arguments: operations, shapePairs)
  func gradientsFollowTheBroadcast(operation: BinaryOperation, shapes: [[Int]]) {
    let (a, b) = (Tensor.normals(shapes[0]), Tensor.normals(shapes[1], awayFromZeroBy: 0.5, seed: 2))
    // The gradient of a broadcast row or column sums over many elements, and so do the errors of the differences.
    expectGradients(of: { operation.apply($0[0], $0[1]) }, at: [a, b], absolute: 1e-3)
  }

  @Test(arguments: operations)
  func oneOperandMayBeAConstant(operation: BinaryOperation) {
    let (a, b) = (Tensor.normals([2, 3]), Tensor.normals([3], awayFromZeroBy: 0.5, seed: 2))
    expectGradient(of: { operation.apply($0, b) }, at: a)
    expectGradient(of: { operation.apply(a, $0) }, at: b)
  }

  @Test func shapesThatDoNotFitAreRefused() async {
    await #expect(processExitsWith: .failure) { _ = Tensor.zeros([2, 3]) + Tensor.zeros([2]) }
    await #expect(processExitsWith: .failure) { _ = Tensor.zeros([2, 1, 3]) * Tensor.zeros([1, 4, 3]) }
  }

  @Test func numbersCombineFromBothSides() {
    let x = Tensor(shape: [3], [1, 2, -4])
    #expect((x + 1).array() == [2, 3, -3])
    #expect((x - 1).array() == [0, 1, -5])
    #expect((x * 2).array() == [2, 4, -8])
    #expect((x / 2).array() == [0.5, 1, -2])
    #expect((1 + x).array() == [2, 3, -3])
    #expect((1 - x).array() == [0, -1, 5])
    #expect((2 * x).array() == [2, 4, -8])
    #expect((-x).array() == [-1, -2, 4])
    #expect(x.scaled(by: 3, plus: 0.5).array() == [3.5, 6.5, -11.5])
  }

  @Test func numbersScaleGradients() {
    for function: (Tensor) -> Tensor in [
      { $0 + 2 }, { $0 - 2 }, { $0 * 3 }, { $0 / 4 }, { 2 + $0 }, { 2 - $0 }, { 3 * $0 }, { -$0 },
      { $0.scaled(by: -1.5, plus: 7) },
    ] { expectGradient(of: function, at: .normals([2, 3])) }
  }

  @Test(arguments: [[1, 1], [3, 5], [2, 3, 4], [4, 1, 5, 5]])
  func aGatedImageIsAddedRowByRow(shape: [Int]) {
    let (canvas, image) = (Tensor.normals(shape), Tensor.normals(shape, seed: 2))
    let gate = Tensor.normals([shape[0]], seed: 3)
    let column = gate.reshaped([shape[0]] + Array(repeating: 1, count: shape.count - 1))
    expectClose(canvas.adding(image, gatedBy: gate), canvas + column * image)
    expectGradients(of: { $0[0].adding($0[1], gatedBy: $0[2]) }, at: [canvas, image, gate], absolute: 1e-3)
  }

  @Test func theGateKeepsItsShape() {
    let gate = Parameter("gate", .normals([3, 1]))
    let drawn = Tensor.zeros([3, 4]).adding(.ones([3, 4]), gatedBy: gate.tensor)
    expectClose(gradients(of: drawn.sum(), for: [gate])[0], Tensor(repeating: 4, shape: [3, 1]))
  }
}
