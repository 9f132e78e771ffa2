import Foundation
import Tensors
import TestKit
import Testing

@Suite struct ReductionsTests {
  static let shapes = [[1], [3], [1, 1], [2, 5], [5, 1], [1, 37], [3, 16], [2, 3, 4]]

  static func rows(_ x: Tensor) -> [[Double]] {
    let values = x.array().map(Double.init)
    return stride(from: 0, to: values.count, by: x.columns).map { Array(values[$0..<$0 + x.columns]) }
  }

  @Test(arguments: shapes)
  func sumsMatchDoublePrecision(shape: [Int]) {
    let x = Tensor.normals(shape)
    let rows = ReductionsTests.rows(x)
    let total = rows.joined().reduce(0, +)
    expectClose(x.sum(), Tensor(Float(total)))
    expectClose(x.mean(), Tensor(Float(total / Double(x.count))))
    expectClose(x.rowSums(), Tensor(shape: Array(shape.dropLast()), rows.map { Float($0.reduce(0, +)) }))
    expectClose(x.sumOfSquares(), rows.joined().reduce(0) { $0 + $1 * $1 }, relative: 1e-6)
  }

  @Test(arguments: shapes)
  func softmaxAndLogSumExpMatchDoublePrecision(shape: [Int]) {
    let x = Tensor.normals(shape) * 3
    let rows = ReductionsTests.rows(x)
    let sums = rows.map { $0.reduce(0) { $0 + exp($1) } }
    expectClose(x.logSumExp(), Tensor(shape: Array(shape.dropLast()), sums.map { Float(log($0)) }))
    expectClose(
      x.softmax(), Tensor(shape: shape, zip(rows, sums).flatMap { row, sum in row.map { Float(exp($0) / sum) } }))
  }

  @Test(arguments: shapes)
  func gradientsMatchFiniteDifferences(shape: [Int]) {
    let x = Tensor.normals(shape)
    expectGradient(of: { $0.sum() }, at: x)
    expectGradient(of: { $0.mean() }, at: x)
    expectGradient(of: { $0.rowSums() }, at: x)
    expectGradient(of: { $0.logSumExp() }, at: x)
    expectGradient(of: { $0.softmax() }, at: x)
  }

  @Test(arguments: shapes)
  func gradientsAreAddedToWhatIsThere(shape: [Int]) {
    let x = Tensor.normals(shape)
    expectGradient(of: { $0.sum() * $0 }, at: x, absolute: 1e-3)
    expectGradient(of: { $0.exp() * $0.rowSums().reshaped(Array(shape.dropLast()) + [1]) }, at: x, absolute: 1e-3)
    expectGradient(of: { $0.exp() * $0.logSumExp().reshaped(Array(shape.dropLast()) + [1]) }, at: x, absolute: 1e-3)
    expectGradient(of: { $0.exp() * $0.softmax() }, at: x, absolute: 1e-3)
  }

  @Test func aLongSumKeepsItsPrecision() {
    let x = Tensor(repeating: 0.1, shape: [1_000_000])
    expectClose(Double(x.sum().scalar), 1_000_000 * Double(Float(0.1)), relative: 1e-6)
    expectClose(x.sumOfSquares(), 1_000_000 * Double(Float(0.1)) * Double(Float(0.1)), relative: 1e-6)
  }

  @Test func logSumExpOfFarLogitsIsStable() {
    let x = Tensor(shape: [3, 2], [1000, 1000, -1000, -1001, 500, -500])
    expectClose(x.logSumExp(), [1000.6931, -999.68674, 500])
    expectClose(x.softmax(), [0.5, 0.5, 0.7310586, 0.26894143, 1, 0])
  }

  @Test func impossibleOutcomesHaveNoShare() {
    let parameter = Parameter("x", Tensor(shape: [2, 3], [0, -.infinity, 0, -.infinity, -.infinity, 2]))
    let x = parameter.tensor
    expectClose(x.logSumExp(), [Float(log(2.0)), 2])
    expectClose(x.softmax(), [0.5, 0, 0.5, 0, 0, 1])
    expectClose(gradients(of: x.logSumExp().sum(), for: [parameter])[0], [0.5, 0, 0.5, 0, 0, 1])
  }

  @Test func theSumOfSquaresOfWhatIsNotFiniteIsNotFinite() {
    for value in [Float.nan, .infinity, -.infinity] {
      var values = Tensor.normals([1000]).array()
      values[513] = value
      #expect(!Tensor(shape: [1000], values).sumOfSquares().isFinite)
    }
  }

  @Test func softmaxSumsToOne() {
    let sums = (Tensor.normals([50, 33]) * 10).softmax().rowSums()
    expectClose(sums, .ones([50]))
  }
}
