import Foundation
import Tensors
import TestKit
import Testing

@Suite struct LSTMTests {
  @Test(arguments: [[1, 1], [3, 2], [2, 17], [5, 5]])
  func aStepMatchesItsDefinition(size: [Int]) {
    let (batch, hidden) = (size[0], size[1])
    let gates = Tensor.normals([batch, 4 * hidden]) * 2
    let cell = Tensor.normals([batch, hidden], seed: 2)
    func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
    let (g, c) = (gates.array().map(Double.init), cell.array().map(Double.init))
    var (expectedHidden, expectedCell) = ([Float](), [Float]())
    for row in 0..<batch {
      for unit in 0..<hidden {
        let gate = (0..<4).map { g[row * 4 * hidden + $0 * hidden + unit] }
        let next = sigmoid(gate[1]) * c[row * hidden + unit] + sigmoid(gate[0]) * tanh(gate[2])
        expectedCell.append(Float(next))
        expectedHidden.append(Float(sigmoid(gate[3]) * tanh(next)))
      }
    }
    let state = gates.lstmCell(cell)
    expectClose(state.cell, Tensor(shape: size, expectedCell))
    expectClose(state.hidden, Tensor(shape: size, expectedHidden))
  }

  /// The results of three steps that are used.
  enum Use: String, CaseIterable, Sendable {
    case lastHidden, lastCell, lastBoth, allHidden, allCells, everything, firstHiddenOnly, firstCellOnly
  }

  @Test(arguments: Use.allCases, [[1, 1], [2, 3]])
  func gradientsThroughThreeStepsMatchFiniteDifferences(use: Use, size: [Int]) {
    let (batch, hidden) = (size[0], size[1])
    let inputs =
      (0..<3).map { Tensor.normals([batch, 4 * hidden], seed: $0) }
      + [.normals([hidden, 4 * hidden], seed: 4), .normals(size, seed: 5), .normals(size, seed: 6)]
    expectGradients(
      of: { x in
        var state = LSTMState(hidden: x[4], cell: x[5])
        var states: [LSTMState] = []
        for step in 0..<3 {
          state = x[step].adding(productOf: state.hidden, x[3]).lstmCell(state.cell)
          states.append(state)
        }
        return switch use {
        case .lastHidden: state.hidden
        case .lastCell: state.cell
        case .lastBoth: .concatenating([state.hidden, state.cell])
        case .allHidden: .concatenating(states.map(\.hidden))
        case .allCells: .concatenating(states.map(\.cell))
        case .everything: .concatenating(states.flatMap { [$0.hidden, $0.cell, $0.hidden * $0.cell] })
        case .firstHiddenOnly: states[0].hidden
        case .firstCellOnly: states[0].cell
        }
      }, at: inputs)
  }

  @Test func aStateThatIsAConstantNeedsNoGradient() {
    let cell = Tensor.normals([2, 3], seed: 2)
    expectGradient(of: { $0.lstmCell(cell).hidden }, at: .normals([2, 12]))
    let gates = Tensor.normals([2, 12])
    expectGradient(of: { gates.lstmCell($0).hidden }, at: cell)
    expectGradient(of: { gates.lstmCell($0).cell }, at: cell)
    #expect(!gates.lstmCell(cell).hidden.needsGradient)
  }

  @Test func aLossOfTheCellAloneForgetsAnEarlierLossOfBoth() {
    let parameters = [Parameter("gates", .normals([2, 12])), Parameter("cell", .normals([2, 3], seed: 2))]
    func step() -> LSTMState { parameters[0].tensor.lstmCell(parameters[1].tensor) }
    let state = step()
    let both = (state.hidden + state.cell).sum()
    _ = gradients(of: both, for: parameters, retainingTape: true)
    let found = gradients(of: state.cell.sum(), for: parameters)
    let expected = gradients(of: step().cell.sum(), for: parameters)
    for (found, expected) in zip(found, expected) { #expect(found.array() == expected.array()) }
  }

  @Test func theGatesStayAsTheyWere() {
    let gates = Tensor.normals([2, 12])
    _ = gates.lstmCell(.zeros([2, 3]))
    #expect(gates.array() == Tensor.normals([2, 12]).array())
  }

  @Test func gatesThatDoNotFitTheStateAreRefused() async {
    await #expect(processExitsWith: .failure) { _ = Tensor.zeros([2, 9]).lstmCell(.zeros([2, 3])) }
  }
}
