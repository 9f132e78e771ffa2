import Evaluation
import Testing

struct ThresholdCountingTests {
  private func example(_ count: Int, _ information: Float...) -> ThresholdCounting.Example {
    ThresholdCounting.Example(information: information, count: count)
  }

  @Test func theThresholdIsTheMiddleOfTheBestStretch() {
    let examples = [example(1, 9, 2), example(2, 8, 6), example(0, 1, 0.5)]
    let counting = ThresholdCounting(searching: examples)
    #expect(counting.threshold == 4)
    #expect(counting.accuracy(on: examples) == 1)
    #expect(counting.count([5, 4, 3]) == 1)
  }

  /// Against every threshold between and beyond the KLs of random examples.
  @Test func noThresholdIsBetter() {
    var state: UInt64 = 1
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    for _ in 0..<50 {
      let examples = (0..<20).map { _ in
        let values = (0..<3).map { _ in Float(random(12)) }.sorted(by: >)
        return ThresholdCounting.Example(information: values, count: random(5))
      }
      let best = (0...48).map { step in
        examples.count { example in example.information.count { $0 > Float(step) / 4 } == example.count }
      }.max()
      let counting = ThresholdCounting(searching: examples)
      #expect(counting.accuracy(on: examples).map { Int(($0 * 20).rounded()) } == best)
    }
  }

  @Test func numbersWeighEquallyInTheBalancedShare() {
    let searched = [example(1, 5, 1), example(2, 5, 5)]
    let counting = ThresholdCounting(searching: searched)
    let test = [example(0, 9, 9), example(1, 5, 1), example(1, 5, 1), example(1, 5, 5), example(2, 5, 1)]
    #expect(counting.accuracy(on: test) == 0.4)
    #expect(counting.balancedAccuracy(on: test).map { abs($0 - 1.0 / 3) < 1e-12 } == true)
    #expect(ThresholdCounting.majorityShare(of: test) == 0.6)
    let names = counting.scores(on: test, searchedOn: searched).map(\.name)
    #expect(names.contains("kl_count_accuracy") && names.contains("majority_count_share") && names.count == 5)
  }

  @Test func nothingIsSaidOfNothing() {
    let counting = ThresholdCounting(searching: [])
    #expect(counting.threshold == 0 && counting.accuracy(on: []) == nil && counting.balancedAccuracy(on: []) == nil)
  }
}

struct AdjustedRandIndexTests {
  /// Worked out from the table of pairs; the first two are the examples of scikit-learn's documentation.
  @Test func valuesAreThoseOfTheTableOfPairs() throws {
    let cases: [([Int], [Int], Double)] = [
      ([0, 0, 1, 1], [0, 0, 1, 2], 4.0 / 7), ([0, 0, 0, 0], [0, 1, 2, 3], 0), ([0, 0, 1, 1], [1, 1, 0, 0], 1),
      ([0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 2, 2], 8.0 / 33), ([0, 0, 1, 1], [0, 1, 0, 1], -0.5),
      ([5, 5, 5], [2, 2, 2], 1), ([1, 2], [3, 4], 1),
    ]
    for (first, second, expected) in cases {
      #expect(abs(try #require(adjustedRandIndex(first, second)) - expected) < 1e-12)
      #expect(abs(try #require(adjustedRandIndex(second, first)) - expected) < 1e-12)
    }
    #expect(adjustedRandIndex([1], [1]) == nil)
  }
}
