import TestKit
import Testing

@testable import Tensors

/// Serialized, because only one thread at a time may record a profile.
@Suite(.serialized) struct ProfileTests {
  private static func work() -> Float {
    let weight = Parameter("weight", .normals([40, 30], seed: 1))
    let x = Tensor.normals([20, 40], seed: 2)
    let loss = x.dense(weight.tensor, nil, .tanh).sum()
    return gradients(of: loss, for: [weight])[0].sum().scalar
  }

  @Test func productsAreCountedWithTheirShapesForwardAndBackward() {
    let result = Profile.record { _ = Self.work() }
    let shapes = result.products.map { [$0.key.m, $0.key.n, $0.key.k, $0.value] }
    #expect(Set(shapes) == [[20, 30, 40, 1], [40, 30, 20, 1]])
    #expect(result.denseOperations == 2 * 2 * 20 * 30 * 40)
    #expect(result.sparseOperations == 0 && result.skippedOperations == 0)
  }

  @Test func sparseProductsTellWhatTheyDoAndWhatTheyLeaveOut() {
    var values = [Float](repeating: 0, count: 6 * 50)
    for index in [3, 70, 71, 299] { values[index] = 1 }
    let result = Profile.record {
      let weight = Parameter("weight", .normals([50, 8], seed: 1))
      let rows = PixelRows(Tensor(shape: [6, 50], values), isSparse: true)
      _ = gradients(of: rows.product(weight.tensor, nil).sum(), for: [weight])
    }
    // One product forward, one for the gradient of the weight.
    #expect(result.sparseOperations == 2 * 2 * 4 * 8)
    #expect(result.sparseOperations + result.skippedOperations == 2 * 2 * 6 * 50 * 8)
    #expect(result.products.isEmpty)
  }

  @Test func allTimeIsCountedOnce() {
    let clock = ContinuousClock()
    var result: Profile.Result?
    let passed = clock.measure {
      result = Profile.record { for _ in 0..<200 { _ = Self.work() } }
    }
    let seconds = Double(passed.components.attoseconds) * 1e-18 + Double(passed.components.seconds)
    let parts = result?.seconds ?? [:]
    let total = parts.values.reduce(0, +)
    #expect(total <= seconds && total > 0)
    #expect(parts.values.allSatisfy { $0 >= 0 } && parts.count == Profile.Part.allCases.count)
    #expect(parts[.products] ?? 0 > 0 && parts[.kernels] ?? 0 > 0 && parts[.other] ?? 0 > 0)
    #expect(parts[.optimizer] == 0 && parts[.sampling] == 0)
  }

  @Test func aPartInsideAnotherCountsForTheOuterOne() {
    let result = Profile.record {
      Profile.measure(.optimizer) { _ = Self.work() }
      Profile.measure(.batches) {}
    }
    #expect(result.seconds[.products] == 0 && result.seconds[.kernels] == 0)
    #expect(result.seconds[.optimizer] ?? 0 > 0)
    #expect(result.products.isEmpty)
  }

  @Test func nothingIsCountedWhereNobodyAsks() {
    _ = Self.work()
    let result = Profile.record {}
    #expect(result.products.isEmpty && result.seconds[.kernels] == 0)
  }

  @Test func whatIsMeasuredKeepsItsResultAndItsError() {
    struct Fault: Error {}
    #expect(Profile.measure(.sampling) { 7 } == 7)
    #expect(throws: Fault.self) { try Profile.record { throw Fault() } }
    // The failed recording has ended.
    #expect(Profile.record { _ = Self.work() }.products.count == 2)
  }
}
