import Tensors
import TestKit
import Testing

@Suite struct ShapingTests {
  @Test func reshapingKeepsTheElements() {
    let x = Tensor.counting([2, 6])
    #expect(x.reshaped([3, 4]).shape == [3, 4])
    #expect(x.reshaped([3, 4]).array() == x.array())
    #expect(Tensor.counting([2, 3, 4]).flattened().shape == [2, 12])
    expectGradient(of: { $0.reshaped([3, 2, 2]).exp() }, at: .normals([2, 6]))
    expectGradient(of: { $0.flattened().exp() }, at: .normals([2, 3, 2]))
  }

  @Test func reshapingToAnotherCountIsRefused() async {
    await #expect(processExitsWith: .failure) { _ = Tensor.zeros([2, 3]).reshaped([4]) }
  }

  @Test func columnsAreCutOut() {
    let x = Tensor.counting([2, 5])
    #expect(x.columns(1..<3).array() == [1, 2, 6, 7])
    #expect(x.columns(1..<3).shape == [2, 2])
    #expect(x.columns(0..<5).array() == x.array())
    #expect(x.columns(2..<2).shape == [2, 0])
    #expect(Tensor.counting([2, 2, 3]).columns(2..<3).array() == [2, 5, 8, 11])
    #expect(Tensor.counting([4]).columns(1..<3).array() == [1, 2])
  }

  @Test(arguments: [0..<1, 0..<5, 1..<4, 4..<5])
  func theGradientOfColumnsIsZeroElsewhere(range: Range<Int>) {
    expectGradient(of: { $0.columns(range) }, at: .normals([3, 5]))
    let x = Parameter("x", .normals([3, 5]))
    let gradient = gradients(of: x.tensor.columns(range).sum(), for: [x])[0].array()
    for (index, value) in gradient.enumerated() { #expect(value == (range.contains(index % 5) ? 1 : 0)) }
  }

  @Test func columnsOutsideTheMatrixAreRefused() async {
    await #expect(processExitsWith: .failure) { _ = Tensor.zeros([2, 3]).columns(1..<4) }
  }

  @Test func partsStandSideBySide() {
    let joined = Tensor.concatenating([.counting([2, 2]), .counting([2, 1]) + 10, .counting([2, 3]) + 20])
    #expect(joined.shape == [2, 6])
    #expect(joined.array() == [0, 1, 10, 20, 21, 22, 2, 3, 11, 23, 24, 25])
    #expect(Tensor.concatenating([.counting([2, 2, 1]), .counting([2, 2, 2])]).shape == [2, 2, 3])
  }

  @Test(arguments: [[1], [1, 1], [2, 3], [17, 1, 4]])
  func theGradientOfPartsIsCutOut(widths: [Int]) {
    expectGradients(
      of: { .concatenating($0) }, at: widths.enumerated().map { .normals([3, $1], seed: $0 + 1) })
  }

  @Test func aPartMayBeAConstantOrStandTwice() {
    let constant = Tensor.normals([2, 2], seed: 3)
    expectGradients(
      of: { .concatenating([$0[0], constant, $0[1], $0[0]]) }, at: [.normals([2, 3]), .normals([2, 1])])
  }

  @Test func partsWithOtherRowsAreRefused() async {
    await #expect(processExitsWith: .failure) { _ = Tensor.concatenating([.zeros([2, 3]), .zeros([3, 3])]) }
  }

  @Test(arguments: [1, 2, 5, 33])
  func aRepeatedRowGathersTheGradientsOfAll(rows: Int) {
    let x = Tensor.counting([3])
    #expect(x.repeated(rows: rows).shape == [rows, 3])
    #expect(x.repeated(rows: rows).array() == Array(repeating: [0, 1, 2], count: rows).flatMap { $0 })
    expectGradient(of: { $0.repeated(rows: rows) }, at: .normals([3]))
    expectGradient(of: { $0.repeated(rows: rows) }, at: .normals([1, 19]))
    expectGradient(of: { $0.repeated(rows: rows) * $0 }, at: .normals([1, 4]), absolute: 1e-3)
  }

  @Test func rowsAreGatheredByIndex() {
    let x = Tensor.counting([3, 2])
    #expect(x.gathered(rows: [2, 0, 2, 2]).array() == [4, 5, 0, 1, 4, 5, 4, 5])
    #expect(x.gathered(rows: []).shape == [0, 2])
    expectGradient(of: { $0.gathered(rows: [2, 0, 2, 2]) }, at: .normals([3, 2]))
    expectGradient(of: { $0.gathered(rows: [1, 1, 0]) * $0 }, at: .normals([3, 2]))
  }

  @Test func aRowOutsideTheMatrixIsRefused() async {
    await #expect(processExitsWith: .failure) { _ = Tensor.zeros([2, 3]).gathered(rows: [2]) }
  }
}
