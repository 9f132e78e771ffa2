import Layers
import Tensors
import TestKit
import Testing

@Suite struct SplitLSTMTests {
  private func make(fed: Int = 2) -> (ParameterStore, SplitLSTM) {
    let store = ParameterStore()
    let scope = Scope(store, random: RandomStream(seed: 1)).child("controller")
    return (store, SplitLSTM(pixels: 6, fed: fed, hidden: 3, in: scope))
  }

  @Test func parametersHaveTheirNamesAndShapes() {
    let (store, lstm) = make()
    #expect(lstm.hidden == 3)
    #expect(
      store.parameters.map(\.name) == [
        "controller.image.weight", "controller.image.bias", "controller.recurrent.weight", "controller.hidden",
        "controller.cell",
      ])
    #expect(store.parameters.map(\.shape) == [[6, 12], [12], [5, 12], [3], [3]])
    let bound = 1 / Float(3).squareRoot()
    for parameter in store.parameters.prefix(3) {
      #expect(parameter.tensor.array().allSatisfy { abs($0) <= bound })
      #expect((parameter.tensor.array().map(abs).max() ?? 0) > 0.7 * bound)
    }
    #expect(store.parameters.suffix(2).allSatisfy { $0.tensor.array() == [0, 0, 0] })
  }

  @Test func theStartIsRepeatedForTheBatch() {
    let (store, lstm) = make()
    store.parameters[3].assign(Tensor(shape: [3], [1, 2, 3]))
    store.parameters[4].assign(Tensor(shape: [3], [4, 5, 6]))
    let start = lstm.start(batch: 2)
    expectClose(start.hidden, Tensor(shape: [2, 3], [1, 2, 3, 1, 2, 3]))
    expectClose(start.cell, Tensor(shape: [2, 3], [4, 5, 6, 4, 5, 6]))
  }

  @Test func aStepEqualsAnLSTMOnAllInputsSideBySide() {
    let (store, lstm) = make()
    let p = store.parameters.map { $0.tensor.detached() }
    let (image, first, second) = (
      Tensor.normals([4, 6]), Tensor.normals([4, 1], seed: 2), Tensor.normals([4, 1], seed: 3)
    )
    let state = LSTMState(hidden: .normals([4, 3], seed: 4), cell: .normals([4, 3], seed: 5))
    let found = lstm.advance(state, gates: lstm.gates(of: image), fed: [first, second])
    let input = Tensor.concatenating([image, first, second, state.hidden])
    let weight = Tensor(shape: [6 + 5, 12], p[0].array() + p[2].array())
    let expected = (input.matrixProduct(weight) + p[1]).lstmCell(state.cell)
    expectClose(found.hidden, expected.hidden, absolute: 2e-6)
    expectClose(found.cell, expected.cell, absolute: 2e-6)
  }

  @Test func pixelsAndFeaturesGiveTheSameGates() {
    let (_, lstm) = make()
    let image = Tensor.normals([4, 6])
    for isSparse in [true, false] {
      expectClose(lstm.view(of: PixelRows(image, isSparse: isSparse)).gates, lstm.gates(of: image))
    }
  }

  @Test func whatCoversAnImageIsTakenFromItsGates() {
    let (_, lstm) = make()
    let (image, first, second) = (
      Tensor.normals([4, 6]), Tensor.normals([4, 6], seed: 2), Tensor.normals([4, 6], seed: 3)
    )
    var view = lstm.view(of: PixelRows(image))
    for drawing in [first, second] { lstm.cover(&view, with: PixelRows(drawn: drawing)) }
    expectClose(view.gates, lstm.gates(of: image - first - second), absolute: 2e-6)
    #expect(view.drawn.count == 2)
  }

  @Test(arguments: [true, false])
  func gradientsOverThreeStepsReachEveryParameter(isSparse: Bool) {
    let (store, lstm) = make()
    store.parameters[3].assign(.normals([3], seed: 6))
    store.parameters[4].assign(.normals([3], seed: 7))
    let pixels = PixelRows(.normals([2, 6]), isSparse: isSparse)
    let fed = (0..<3).map { Tensor.normals([2, 2], seed: 10 + $0) }
    expectGradients(
      of: {
        let gates = lstm.view(of: pixels).gates
        var state = lstm.start(batch: 2)
        for step in 0..<3 { state = lstm.advance(state, gates: gates, fed: [fed[step]]) }
        return .concatenating([state.hidden, state.cell])
      }, for: store.parameters)
  }

  @Test func nothingNeedBeFed() {
    let (store, lstm) = make(fed: 0)
    #expect(store.parameters[2].shape == [3, 12])
    let state = lstm.advance(lstm.start(batch: 2), gates: lstm.gates(of: .normals([2, 6])), fed: [])
    #expect(state.hidden.shape == [2, 3])
  }
}
