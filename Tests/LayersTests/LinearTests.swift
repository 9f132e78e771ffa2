import Layers
import Tensors
import TestKit
import Testing

@Suite struct LinearTests {
  @Test func aLayerHasAWeightAndABias() {
    let store = ParameterStore()
    let layer = Linear(inputs: 3, outputs: 5, in: Scope(store, random: RandomStream(seed: 1)).child("head"))
    #expect(store.parameters.map(\.name) == ["head.weight", "head.bias"])
    #expect(store.parameters.map(\.shape) == [[3, 5], [5]])
    #expect(store.count == 20)
    #expect(layer(.normals([4, 3])).shape == [4, 5])
  }

  @Test(arguments: Activation.allCases)
  func aLayerAppliesItsActivation(activation: Activation) {
    let layer = Linear(
      inputs: 3, outputs: 4, activation: activation, in: Scope(ParameterStore(), random: RandomStream(seed: 1)))
    let x = Tensor.normals([6, 3])
    let sums = x.matrixProduct(layer.weight.tensor) + layer.bias.tensor
    let expected =
      switch activation {
      case .none: sums
      case .relu: sums.relu()
      case .sigmoid: sums.sigmoid()
      case .tanh: sums.tanh()
      case .softplus: sums.softplus()
      case .elu: sums.elu()
      }
    expectClose(layer(x), expected)
  }

  @Test func weightAndBiasStartWithinTheInverseRootOfTheInputs() {
    let layer = Linear(inputs: 100, outputs: 50, in: Scope(ParameterStore(), random: RandomStream(seed: 1)))
    for values in [layer.weight.tensor.array(), layer.bias.tensor.array()] {
      #expect(values.allSatisfy { abs($0) <= 0.1 })
      #expect((values.map(abs).max() ?? 0) > 0.09)
    }
  }

  @Test func initialValuesMayBeSaid() {
    let layer = Linear(
      inputs: 2, outputs: 3, weight: .constant(0.5), bias: .constant(-2),
      in: Scope(ParameterStore(), random: RandomStream(seed: 1)))
    #expect(layer(.ones([1, 2])).array() == [-1, -1, -1])
  }

  @Test func gradientsReachWeightBiasAndInput() {
    let store = ParameterStore()
    let layer = Linear(inputs: 3, outputs: 2, activation: .tanh, in: Scope(store, random: RandomStream(seed: 1)))
    let x = Parameter("x", .normals([4, 3]))
    expectGradients(of: { layer(x.tensor) }, for: store.parameters + [x])
  }
}

@Suite struct MLPTests {
  @Test func layersAreNamedByTheirPlace() {
    let store = ParameterStore()
    let scope = Scope(store, random: RandomStream(seed: 1)).child("encoder")
    let network = MLP(inputs: 4, hidden: [6, 5], outputs: 3, in: scope)
    #expect(
      store.parameters.map(\.name) == [
        "encoder.layers.0.weight", "encoder.layers.0.bias", "encoder.layers.1.weight", "encoder.layers.1.bias",
        "encoder.output.weight", "encoder.output.bias",
      ])
    #expect(store.parameters.map(\.shape) == [[4, 6], [6], [6, 5], [5], [5, 3], [3]])
    #expect(network(.normals([2, 4])).shape == [2, 3])
  }

  @Test func hiddenLayersHaveOneActivationAndTheOutputAnother() {
    let store = ParameterStore()
    let network = MLP(
      inputs: 4, hidden: [6], outputs: 3, outputActivation: .sigmoid, in: Scope(store, random: RandomStream(seed: 1)))
    let x = Tensor.normals([5, 4])
    let p = store.parameters.map(\.tensor)
    expectClose(
      network(x), ((x.matrixProduct(p[0]) + p[1]).relu().matrixProduct(p[2]) + p[3]).sigmoid(), absolute: 2e-6)
  }

  @Test func aNetworkWithoutHiddenLayersIsLinear() {
    let store = ParameterStore()
    let network = MLP(
      inputs: 4, hidden: [], outputs: 3, outputBias: .constant(7), in: Scope(store, random: RandomStream(seed: 1)))
    #expect(store.parameters.map(\.name) == ["output.weight", "output.bias"])
    #expect(network(.zeros([1, 4])).array() == [7, 7, 7])
  }

  @Test func gradientsReachEveryParameter() {
    let store = ParameterStore()
    let network = MLP(
      inputs: 3, hidden: [4, 2], outputs: 2, activation: .softplus, outputActivation: .tanh,
      in: Scope(store, random: RandomStream(seed: 1)))
    let x = Parameter("x", .normals([3, 3]))
    expectGradients(of: { network(x.tensor) }, for: store.parameters + [x])
  }
}
