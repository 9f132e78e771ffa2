import Tensors
import TestKit
import Testing

@testable import Layers

@Suite struct ParameterStoreTests {
  private func values(_ store: ParameterStore) -> [String: [Float]] {
    Dictionary(uniqueKeysWithValues: store.parameters.map { ($0.name, $0.tensor.array()) })
  }

  @Test func initialValuesDoNotDependOnTheOrderOfConstruction() {
    let makers: [(Scope) -> Void] = [
      { _ = Linear(inputs: 3, outputs: 4, in: $0.child("head")) },
      { _ = MLP(inputs: 3, hidden: [5], outputs: 2, in: $0.child("encoder")) },
      { _ = SplitLSTM(pixels: 6, fed: 2, hidden: 3, in: $0.child("controller")) },
    ]
    func build(_ makers: [(Scope) -> Void]) -> ParameterStore {
      let store = ParameterStore()
      for make in makers { make(Scope(store, random: RandomStream(seed: 4))) }
      return store
    }
    let (forwards, backwards, alone) = (build(makers), build(makers.reversed()), build([makers[1]]))
    #expect(forwards.parameters.map(\.name) != backwards.parameters.map(\.name))
    #expect(values(forwards) == values(backwards))
    for (name, value) in values(alone) { #expect(values(forwards)[name] == value) }
  }

  @Test func parametersOfOtherNamesOrSeedsStartElsewhere() {
    func start(_ name: String, seed: Int = 1) -> [Float] {
      let scope = Scope(ParameterStore(), random: RandomStream(seed: seed))
      return scope.child(name).parameter("weight", [100], .uniform(1)).tensor.array()
    }
    #expect(start("a") == start("a"))
    #expect(start("a") != start("b"))
    #expect(start("a") != start("a", seed: 2))
  }

  @Test func twoParametersOfOneNameAreRefused() async {
    await #expect(processExitsWith: .failure) {
      let scope = Scope(ParameterStore(), random: RandomStream(seed: 1))
      _ = scope.parameter("weight", [1], .zeros)
      _ = scope.parameter("weight", [1], .zeros)
    }
  }

  @Test func aFrozenStoreRecordsNothing() {
    let store = ParameterStore()
    let layer = Linear(inputs: 2, outputs: 2, in: Scope(store, random: RandomStream(seed: 1)))
    let frozen = store.frozen { layer(.ones([1, 2])) }
    #expect(!frozen.needsGradient)
    #expect(layer(.ones([1, 2])).needsGradient)
    struct Stop: Error {}
    #expect(throws: Stop.self) { try store.frozen { throw Stop() } }
    #expect(layer(.ones([1, 2])).needsGradient)
  }

  @Test func aStoreFrozenTwiceThawsWithTheOuterOne() {
    let store = ParameterStore()
    let layer = Linear(inputs: 2, outputs: 2, in: Scope(store, random: RandomStream(seed: 1)))
    store.frozen {
      store.frozen {}
      #expect(!layer(.ones([1, 2])).needsGradient)
    }
  }
}

@Suite struct InitializerTests {
  private func deviation(_ values: [Float]) -> Double {
    (values.reduce(0) { $0 + Double($1) * Double($1) } / Double(values.count)).squareRoot()
  }

  @Test func valuesFollowTheirDistribution() {
    let random = RandomStream(seed: 1)
    let shape = [200, 100]
    let cases: [(Initializer, bound: Double, deviation: Double)] = [
      (.uniform(0.5), 0.5, 0.5 / 3.0.squareRoot()),
      (.fanIn(25), 0.2, 0.2 / 3.0.squareRoot()),
      (.glorot, 0.02.squareRoot(), 0.02.squareRoot() / 3.0.squareRoot()),
      (.normal(deviation: 0.3), .infinity, 0.3),
      (.he, .infinity, 0.1),
    ]
    for (initializer, bound, expected) in cases {
      let values = initializer.value(shape, random).array()
      #expect(values.allSatisfy { abs(Double($0)) <= bound * (1 + 1e-6) }, "\(initializer)")
      #expect(bound.isInfinite || Double(values.map(abs).max() ?? 0) > 0.999 * bound, "\(initializer)")
      expectClose(deviation(values), expected, relative: 0.02, "\(initializer)")
      expectClose(values.reduce(0) { $0 + Double($1) } / 20_000, 0, absolute: 0.03 * expected, "\(initializer)")
    }
  }

  @Test func constantsAreConstant() {
    #expect(Initializer.constant(-2).value([3], RandomStream(seed: 1)).array() == [-2, -2, -2])
    #expect(Initializer.zeros.value([2], RandomStream(seed: 1)).array() == [0, 0])
  }
}
