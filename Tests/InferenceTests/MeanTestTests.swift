import Tensors
import TestKit
import Testing

/// The z-test that judges estimators is itself judged.
@Suite struct MeanTestTests {
  @Test(arguments: [(0.025, 1.959963985), (0.0005, 3.290526731), (5e-7, 4.891638475), (0.5, 0)])
  func normalQuantileMatchesTables(upperTail: Double, z: Double) {
    #expect(abs(normalQuantile(upperTail: upperTail) - z) < 1e-8)
  }

  /// 4,000 draws of three coordinates: standard normal around 1 and -2, and a constant 3.
  private func verdict(expecting expected: [Double]) -> MeanTest.Verdict {
    let noise = RandomStream(seed: 0).normals([4000, 2]).array()
    var test = MeanTest(coordinates: 3)
    for draw in 0..<4000 { test.add([1 + noise[2 * draw], -2 + noise[2 * draw + 1], 3]) }
    return test.verdict(expecting: expected, tolerance: 1e-9)
  }

  @Test func acceptsTheTrueMean() {
    let verdict = verdict(expecting: [1, -2, 3])
    #expect(verdict.isUnbiased)
    #expect(verdict.tested == 2)
    #expect(abs(verdict.bound - normalQuantile(upperTail: 0.001 / 4)) < 1e-9)
  }

  @Test(arguments: [[1.1, -2, 3], [1, -1.9, 3], [1, -2, 3.001], [.nan, -2, 3], [1, -2, .nan]])
  func rejectsAnotherMean(expected: [Double]) {
    #expect(!verdict(expecting: expected).isUnbiased)
  }
}
