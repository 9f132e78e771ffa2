import Foundation
import Tensors
import TestKit
import Testing

/// An elementwise operation, its double-precision reference, and the range in which it is smooth.
struct UnaryOperation: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let apply: @Sendable (Tensor) -> Tensor
  let number: @Sendable (Double) -> Double
  /// The range in which values are compared.
  let range: ClosedRange<Float>
  /// The range in which finite differences are taken.
  var smooth: ClosedRange<Float> = -2...2
  var hasKinkAtZero = false
}

@Suite struct ElementwiseTests {
  static let operations = [
    UnaryOperation(testDescription: "exp", apply: { $0.exp() }, number: { exp($0) }, range: -80...80),
    UnaryOperation(
      testDescription: "log", apply: { $0.log() }, number: { log($0) }, range: 1e-6...1e4, smooth: 0.5...4),
    UnaryOperation(
      testDescription: "sigmoid", apply: { $0.sigmoid() }, number: { 1 / (1 + exp(-$0)) }, range: -80...80),
    UnaryOperation(testDescription: "tanh", apply: { $0.tanh() }, number: { tanh($0) }, range: -20...20),
    UnaryOperation(
      testDescription: "relu", apply: { $0.relu() }, number: { max($0, 0) }, range: -5...5, hasKinkAtZero: true),
    UnaryOperation(
      testDescription: "elu", apply: { $0.elu() }, number: { $0 > 0 ? $0 : expm1($0) }, range: -30...30,
      hasKinkAtZero: true),
    UnaryOperation(testDescription: "squared", apply: { $0.squared() }, number: { $0 * $0 }, range: -1e3...1e3),
    UnaryOperation(
      testDescription: "squareRoot", apply: { $0.squareRoot() }, number: { $0.squareRoot() }, range: 0...1e6,
      smooth: 0.5...4),
    UnaryOperation(
      testDescription: "reciprocal", apply: { $0.reciprocal() }, number: { 1 / $0 }, range: 1e-3...1e3,
      smooth: 0.5...2),
    UnaryOperation(testDescription: "cos", apply: { $0.cos() }, number: { cos($0) }, range: -100...100),
    UnaryOperation(testDescription: "sin", apply: { $0.sin() }, number: { sin($0) }, range: -100...100),
    UnaryOperation(
      testDescription: "softplus", apply: { $0.softplus() }, number: { max($0, 0) + log1p(exp(-abs($0))) },
      range: -80...80),
    UnaryOperation(
      testDescription: "logSigmoid", apply: { $0.logSigmoid() }, number: { min($0, 0) - log1p(exp(-abs($0))) },
      range: -80...80),
    UnaryOperation(
      testDescription: "logit", apply: { $0.logit() }, number: { log($0) - log1p(-$0) }, range: 0.001...0.999,
      smooth: 0.2...0.8),
  ]

  @Test(arguments: operations)
  func valuesMatchDoublePrecision(operation: UnaryOperation) {
    let x = Tensor.uniforms([2003], in: operation.range)
    let expected = x.array().map { Float(operation.number(Double($0))) }
    // A cosine, sine or logit near zero has the rounding error of terms near 1.
    let absolute = ["cos", "sin", "logit"].contains(operation.testDescription) ? 2e-7 : 1e-37
    expectClose(operation.apply(x), Tensor(shape: [2003], expected), absolute: absolute, relative: 1e-6)
  }

  @Test(arguments: operations, [[1, 1], [3], [2, 5], [37], [2, 3, 4]])
  func gradientMatchesFiniteDifferences(operation: UnaryOperation, shape: [Int]) {
    let x =
      operation.hasKinkAtZero ? Tensor.normals(shape, awayFromZeroBy: 0.1) : .uniforms(shape, in: operation.smooth)
    expectGradient(of: operation.apply, at: x)
  }

  @Test(arguments: operations)
  func aValueDoesNotDependOnItsNeighbours(operation: UnaryOperation) {
    let all = operation.apply(.uniforms([67], in: operation.smooth)).array()
    for count in [1, 2, 15, 16, 17, 33, 66] {
      let first = operation.apply(
        Tensor(shape: [count], Array(Tensor.uniforms([67], in: operation.smooth).array()[..<count])))
      #expect(first.array() == Array(all[..<count]))
    }
  }

  @Test(arguments: operations)
  func notANumberStaysNotANumber(operation: UnaryOperation) {
    let y = operation.apply(Tensor(shape: [17], Array(repeating: .nan, count: 17)))
    #expect(y.array().allSatisfy { $0.isNaN })
  }

  @Test func stableFormsSurviveLargeInputs() {
    let x = Tensor(shape: [6], [-1e4, -200, -100, 100, 200, 1e4])
    #expect(x.sigmoid().array().map { $0.isFinite && $0 >= 0 && $0 <= 1 } == Array(repeating: true, count: 6))
    expectClose(x.softplus(), [0, 0, 0, 100, 200, 1e4], absolute: 1e-30)
    expectClose(x.logSigmoid(), [-1e4, -200, -100, 0, 0, 0], absolute: 1e-30)
    expectClose(x.tanh(), [-1, -1, -1, 1, 1, 1], absolute: 0, relative: 0)
    expectClose(x.elu(), [-1, -1, -1, 100, 200, 1e4], absolute: 0, relative: 0)
    expectClose(Tensor(shape: [3], [-1e4, 1e4, 0]).exp(), [0, .infinity, 1], absolute: 0, relative: 0)
    expectClose(Tensor(shape: [2], [0, .infinity]).log(), [-.infinity, .infinity])
  }

  @Test func gradientsOfSaturatedFunctionsStayFinite() {
    let x = Parameter("x", Tensor(shape: [6], [-1e4, -200, -100, 100, 200, 1e4]))
    for function in [Tensor.sigmoid, Tensor.tanh, Tensor.softplus, Tensor.logSigmoid, Tensor.elu, Tensor.relu] {
      let gradient = gradients(of: function(x.tensor)().sum(), for: [x])[0]
      #expect(gradient.array().allSatisfy { $0.isFinite && abs($0) <= 1 })
    }
  }

  @Test func reluPassesNoGradientAtZeroAndBelow() {
    let x = Parameter("x", Tensor(shape: [4], [-1, 0, -0.0, 2]))
    #expect(gradients(of: x.tensor.relu().sum(), for: [x])[0].array() == [0, 0, 0, 1])
  }

  @Test func isAboveIsAConstantOfZerosAndOnes() {
    let x = Parameter("x", Tensor(shape: [5], [-1, 0.5, 0.50001, 3, .nan]))
    #expect(x.tensor.isAbove(0.5).array() == [0, 0, 1, 1, 0])
    #expect(!x.tensor.isAbove(0.5).needsGradient)
  }

  @Test func straightThroughTakesValuesHereAndGradientsThere() {
    let x = Parameter("x", .normals([2, 3]))
    let cotangent = Tensor.normals([2, 3], seed: 2)
    let soft = x.tensor.sigmoid()
    let hard = soft.isAbove(0.5).straightThrough(to: soft)
    #expect(hard.array() == soft.isAbove(0.5).array())
    let expected = pulledBack(cotangent, from: x.tensor.sigmoid(), to: [x])[0]
    #expect(pulledBack(cotangent, from: hard, to: [x])[0].array() == expected.array())
  }
}
