import Tensors
import TestKit
import Testing

/// A function of two tensors [3, 4], by name.
struct TwoTensorFunction: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let apply: @Sendable (Tensor, Tensor) -> Tensor
  init(_ name: String, _ apply: @escaping @Sendable (Tensor, Tensor) -> Tensor) {
    (testDescription, self.apply) = (name, apply)
  }
}

@Suite struct TapeTests {
  static let reuses = [
    TwoTensorFunction("x + x") { x, _ in x + x },
    TwoTensorFunction("x - x") { x, _ in x - x },
    TwoTensorFunction("x * x") { x, _ in x * x },
    TwoTensorFunction("x / x") { x, y in x / x + y },
    TwoTensorFunction("x + x + x + y") { x, y in x + x + x + y },
    TwoTensorFunction("(x + y) + (x - y)") { x, y in (x + y) + (x - y) },
    TwoTensorFunction("(x + y) * (x - y)") { x, y in (x + y) * (x - y) },
    TwoTensorFunction("x + y, then x twice more") { x, y in ((x + y) + x) * x },
    TwoTensorFunction("y + x, then y twice more") { x, y in ((y + x) + y) * y },
    TwoTensorFunction("a sum used three times") { x, y in
      let sum = x + y
      return sum + sum * sum
    },
    TwoTensorFunction("reshaped, then added to itself") { x, _ in x.reshaped([12]) + x.reshaped([12]) },
    TwoTensorFunction("reshaped there and back, plus itself") { x, y in x.reshaped([2, 6]).reshaped([3, 4]) + x * y },
    TwoTensorFunction("all of it and a part") { x, y in x.columns(0..<2) + (x + y).columns(2..<4) + x.columns(1..<3) },
    TwoTensorFunction("beside itself") { x, y in .concatenating([x, y, x]) },
    TwoTensorFunction("itself with its row sums") { x, y in x.rowSums().reshaped([3, 1]) * x + y },
    TwoTensorFunction("sum and elements") { x, y in x.sum() * x + y.sum() * x },
    TwoTensorFunction("product with itself") { x, y in x.matrixProduct(x, otherTransposed: true).matrixProduct(y) },
    TwoTensorFunction("gated by itself") { x, y in x.adding(x, gatedBy: x.rowSums() + y.rowSums()) },
    TwoTensorFunction("straight through to itself") { x, y in x + y.straightThrough(to: y) },
  ]

  @Test(arguments: reuses)
  func gradientsAddUpOverAllUsesOfATensor(function: TwoTensorFunction) {
    let inputs = [Tensor.normals([3, 4], awayFromZeroBy: 0.3), Tensor.normals([3, 4], seed: 2)]
    expectGradients(of: { function.apply($0[0], $0[1]) }, at: inputs)
  }

  @Test func aSharedGradientIsNotChangedByALaterSum() {
    let (x, w) = (Parameter("x", .normals([5])), Parameter("w", .normals([5], seed: 2)))
    let (c, d) = (Tensor.normals([5], seed: 3), Tensor.normals([5], seed: 4))
    for addsSumFirst in [true, false] {
      let sum = c * (x.tensor + w.tensor)
      let alone = d * x.tensor
      let found = gradients(of: (addsSumFirst ? sum + alone : alone + sum).sum(), for: [x, w])
      expectClose(found[0], c + d)
      expectClose(found[1], c)
    }
  }

  @Test func gradientsComeInTheOrderAsked() {
    let parameters = (1...4).map { Parameter("p\($0)", .ones([$0])) }
    let loss = parameters.enumerated().map { $1.tensor.sum() * Float($0 + 1) }.reduce(Tensor(0), +)
    let found = gradients(of: loss, for: [parameters[2], parameters[0]])
    #expect(found.map { $0.array() } == [[3, 3, 3], [1]])
  }

  @Test func aParameterTheLossDoesNotDependOnHasZeroGradient() {
    let (used, unused) = (Parameter("used", .ones([2])), Parameter("unused", .ones([2, 3])))
    let found = gradients(of: used.tensor.sum(), for: [unused, used])
    #expect(found[0].shape == [2, 3])
    #expect(found[0].array() == Array(repeating: 0, count: 6))
    #expect(found[1].array() == [1, 1])
  }

  @Test func aLossWithoutParametersHasZeroGradients() {
    let parameter = Parameter("p", .ones([2]))
    #expect(gradients(of: Tensor(3), for: [parameter])[0].array() == [0, 0])
  }

  @Test func aGradientThatWasNotAskedForDoesNotReachTheNextWalk() {
    let (x, y) = (Parameter("x", .ones([3])), Parameter("y", .ones([3])))
    let first = gradients(of: (x.tensor * y.tensor).sum(), for: [x])
    #expect(first[0].array() == [1, 1, 1])
    let second = gradients(of: (y.tensor * 5).sum(), for: [y])
    #expect(second[0].array() == [5, 5, 5])
  }

  @Test func walkingTwiceGivesTheSameGradients() {
    let parameters = [Parameter("x", .normals([4, 4])), Parameter("y", .normals([4, 4], seed: 2))]
    let (x, y) = (parameters[0].tensor, parameters[1].tensor)
    let mixed = (x.matrixProduct(y) + x * y).tanh().columns(0..<3).softmax()
    let state = Tensor.concatenating([mixed, x, y, x + y.exp()]).columns(0..<8).lstmCell(y.columns(0..<2))
    let loss = (state.hidden * 2 + state.cell).sum()
    let first = gradients(of: loss, for: parameters, retainingTape: true)
    let second = gradients(of: loss, for: parameters, retainingTape: true)
    let third = gradients(of: loss, for: parameters)
    for (index, gradient) in first.enumerated() {
      #expect(gradient.array() == second[index].array())
      #expect(gradient.array() == third[index].array())
      #expect(gradient.sumOfSquares() > 0)
    }
  }

  @Test func twoLossesMayShareARetainedTape() {
    let x = Parameter("x", .normals([6]))
    let shared = x.tensor.exp()
    let (first, second) = (shared.sum(), (shared * shared).sum())
    expectClose(gradients(of: first, for: [x], retainingTape: true)[0], x.tensor.detached().exp())
    expectClose(gradients(of: second, for: [x])[0], (x.tensor.detached() * 2).exp() * 2)
  }

  @Test func aReleasedTapeIsRefused() async {
    await #expect(processExitsWith: .failure) {
      let x = Parameter("x", Tensor(repeating: 1, shape: [2]))
      let loss = x.tensor.exp().sum()
      _ = gradients(of: loss, for: [x])
      _ = gradients(of: loss, for: [x])
    }
  }

  @Test func gradientsOfATensorThatIsNoScalarAreRefused() async {
    await #expect(processExitsWith: .failure) {
      let x = Parameter("x", Tensor(repeating: 1, shape: [2]))
      _ = gradients(of: x.tensor, for: [x])
    }
  }

  @Test func operationsOnConstantsAreNotRecorded() {
    let constant = Tensor.normals([2, 2])
    #expect(!(constant.exp() * constant).needsGradient)
    let parameter = Parameter("p", constant)
    #expect((parameter.tensor * constant).needsGradient)
    #expect(!(parameter.tensor.detached() * constant).needsGradient)
    parameter.isRecording = false
    #expect(!(parameter.tensor * constant).needsGradient)
  }

  @Test func noGradientFlowsThroughADetachedTensor() {
    let x = Parameter("x", Tensor(shape: [2], [2, 3]))
    let loss = (x.tensor * x.tensor.detached()).sum()
    #expect(gradients(of: loss, for: [x])[0].array() == [2, 3])
  }

  @Test func aTensorDoubledSixtyTimesIsWalkedOnce() {
    let x = Parameter("x", Tensor(1))
    var sum = x.tensor
    for _ in 0..<60 { sum = sum + sum }
    #expect(gradients(of: sum, for: [x])[0].scalar == Float(sign: .plus, exponent: 60, significand: 1))
  }

  @Test(arguments: [true, false])
  func aLongChainIsWalkedAndFreed(isWalked: Bool) {
    let x = Parameter("x", Tensor(1))
    var sum = x.tensor
    for _ in 0..<200_000 { sum = sum + 1 }
    if isWalked { #expect(gradients(of: sum, for: [x])[0].scalar == 1) }
    sum = x.tensor
    #expect(sum.scalar == 1)
  }

  @Test func aParameterKeepsItsOwnCopyOfTheValue() {
    let value = Tensor(shape: [2], [1, 2])
    let parameter = Parameter("p", value)
    parameter.assign(Tensor(shape: [2], [3, 4]))
    #expect(value.array() == [1, 2])
    #expect(parameter.tensor.array() == [3, 4])
    #expect(parameter.count == 2)
  }
}
