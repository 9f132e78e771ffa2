import Tensors
import TestKit
import Testing

@Suite struct TensorTests {
  @Test func valuesKeepTheirOrder() {
    let tensor = Tensor(shape: [2, 3], [1, 2, 3, 4, 5, 6])
    #expect(tensor.shape == [2, 3])
    #expect(tensor.count == 6)
    #expect(tensor.array() == [1, 2, 3, 4, 5, 6])
    #expect(tensor.withUnsafeBuffer { $0[4] } == 5)
  }

  @Test func aScalarHasNoAxes() {
    #expect(Tensor(2.5).shape == [])
    #expect(Tensor(2.5).scalar == 2.5)
    #expect(Tensor(shape: [1, 1], [3]).scalar == 3)
  }

  @Test(arguments: [[], [1], [7], [1, 1], [3, 5], [2, 3, 4], [1000]])
  func repeatedValuesFillTheShape(shape: [Int]) {
    let count = shape.reduce(1, *)
    #expect(Tensor(repeating: 1.5, shape: shape).array() == Array(repeating: 1.5, count: count))
    #expect(Tensor.zeros(shape).array() == Array(repeating: 0, count: count))
    #expect(Tensor.ones(shape).array() == Array(repeating: 1, count: count))
  }

  @Test func aShapeMayBeEmpty() {
    #expect(Tensor(shape: [0, 3], []).array() == [])
    #expect(Tensor.zeros([2, 0]).count == 0)
  }

  @Test func theFillWritesTheMemory() {
    let tensor = Tensor(shape: [2, 2]) { out in for i in out.indices { out[i] = Float(i) * 2 } }
    #expect(tensor.array() == [0, 2, 4, 6])
  }

  @Test func operationsLeaveTheirInputsAlone() {
    let x = Tensor.counting([2, 2])
    let copy = x
    _ = (x + 1, x * x, x.exp(), x.reshaped([4]) * 3)
    #expect(x.array() == [0, 1, 2, 3])
    #expect(copy.array() == x.array())
  }

  @Test func matricesOfAnyRankHaveRowsAndColumns() {
    #expect(Tensor(1).rows == 1 && Tensor(1).columns == 1)
    #expect(Tensor.zeros([4]).rows == 1 && Tensor.zeros([4]).columns == 4)
    #expect(Tensor.zeros([2, 3, 4]).rows == 6 && Tensor.zeros([2, 3, 4]).columns == 4)
  }

  @Test func aWrongCountOfValuesIsRefused() async {
    await #expect(processExitsWith: .failure) { _ = Tensor(shape: [2, 2], [1, 2, 3]) }
  }
}
