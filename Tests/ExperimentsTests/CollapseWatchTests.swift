import Testing

@testable import Experiments

struct CollapseWatchTests {
  /// The steps at which a training of 10,000 steps is warned, with the words.
  private func warnings(
    steps: Int = 3, every: Int = 100, count: (Int) -> Double = { _ in 1 }, trueCount: Double = 1,
    signal: Double? = 10, residual: (Int) -> Double? = { _ in 5 }
  ) -> [(step: Int, text: String)] {
    var watch = CollapseWatch(steps: steps)
    return stride(from: every, through: 10_000, by: every).flatMap { step in
      watch.look(at: step, count: count(step), trueCount: trueCount, signal: signal, residual: residual(step))
        .map { (step, $0) }
    }
  }

  @Test func healthyTrainingsAreNotWarned() {
    #expect(warnings().isEmpty)
    #expect(warnings(signal: nil, residual: { _ in nil }).isEmpty)
    // Everything at first, nothing for a while, then right.
    #expect(warnings(count: { $0 < 2000 ? 3 : 1 }).isEmpty)
    #expect(warnings(count: { $0 < 900 ? 0 : 1 }).isEmpty)
    #expect(warnings(residual: { $0 < 1900 ? 11 : 9 }).isEmpty)
    // As many objects as steps, and scenes without objects.
    #expect(warnings(count: { _ in 3 }, trueCount: 3).isEmpty)
    #expect(warnings(count: { _ in 0 }, trueCount: 0).isEmpty)
  }

  @Test func aModelThatFindsNothingIsNamedOnce() throws {
    let found = warnings(count: { _ in 0.01 })
    #expect(found.map(\.step) == [1000])
    #expect(try #require(found.first).text.hasPrefix("after 1000 steps no objects are found at all"))
    #expect(warnings(count: { $0 < 5050 || $0 > 7000 ? 1 : 0 }).map(\.step) == [5100])
  }

  @Test func aModelThatUsesEveryStepIsNamedOnce() throws {
    let found = warnings(steps: 4, count: { _ in 3.95 }, trueCount: 2)
    #expect(found.map(\.step) == [3000])
    #expect(try #require(found.first).text.hasPrefix("after 3000 steps every scene uses all 4 inference steps"))
  }

  @Test func aBaselineThatDoesNotHelpIsNamedOnce() throws {
    let found = warnings(residual: { _ in 12.34 })
    #expect(found.map(\.step) == [2000])
    let words = try #require(found.first).text
    #expect(words.contains("12.3 against 10.0") && words.contains("estimator.baseline.rate"))
    // Five reports in a row are needed.
    #expect(warnings(residual: { $0 % 500 == 0 ? 9 : 11 }).isEmpty)
    #expect(warnings(residual: { $0 < 4000 || $0 >= 4500 ? 9 : 11 }).map(\.step) == [4400])
  }

  @Test func differentFailuresAreNamedEach() {
    let found = warnings(count: { $0 < 5000 ? 0 : 3 }, residual: { _ in 11 })
    #expect(found.map(\.step) == [1000, 2000, 5000])
  }
}
