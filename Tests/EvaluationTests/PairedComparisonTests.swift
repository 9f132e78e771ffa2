import Evaluation
import TestKit
import Testing

/// Expected values come from SciPy 1.17 (`ttest_rel` and its interval, `wilcoxon`), and, where there are ties, from trying every assignment of
/// signs there.
struct PairedComparisonTests {
  struct Case: Sendable {
    let left, right: [Double]
    let t, p: Double
    let rankSum, rankP: Double
    let interval: ClosedRange<Double>
  }

  static let cases = [
    Case(
      left: [0.982, 0.979, 0.991, 0.985, 0.97], right: [0.975, 0.98, 0.982, 0.981, 0.96], t: 2.921997786787294,
      p: 0.04315723037142182, rankSum: 1, rankP: 0.125, interval: 0.0002889138236299967...0.011311086176370014),
    Case(
      left: [404.41, 399.2, 410.7], right: [380.1, 385.5, 379.9], t: 4.602175247347406, p: 0.044113612220513104,
      rankSum: 0, rankP: 0.25, interval: 1.4927828203118914...44.38055051302145),
    // With ties, and a pair that does not differ.
    Case(
      left: [1, 2, 3, 4, 5, 6, 7, 8], right: [2, 1, 5, 4, 9, 3, 12, 7], t: -0.9180151647722617, p: 0.38914609407922574,
      rankSum: 9, rankP: 0.484375, interval: -3.1288257531475185...1.3788257531475185),
    // More than 50 pairs: the normal approximation.
    Case(
      left: [
        1, -1, 6, 1, -5, 4, 13, 9, -7, -13, -6, 0, -23, -2, -12, -7, -5, -3, 4, 10, -1, 14, -7, 4, 9, 1, -7, -9, -5, 2,
        -10, -2, -2, 5, 2, 4, -7, -1, 8, 15, -13, 15, 13, 8, 3, -3, 15, 20, 18, 13, 4, -12, 0, 7, -13, 4, 4, 7, -12, -7,
      ],
      right: [
        -1, -9, 20, -2, 6, 0, 19, 16, 9, -19, 4, 10, 13, -3, 21, -10, -4, 12, 3, 23, 5, -3, -1, -8, -10, 9, 9, 16, -5,
        20, 0, 19, -1, -4, 5, 13, 5, -3, -10, -11, 8, 13, 1, -8, 12, -10, -4, 9, -20, 7, -3, 4, 2, 5, 10, -5, 17, 10,
        11, 15,
      ], t: -1.6010691768041627, p: 0.11470297922681251, rankSum: 671, rankP: 0.10612965387710313,
      interval: -6.7118644285433735...0.7451977618767067),
  ]

  @Test(arguments: cases) func bothTestsMatchSciPy(_ given: Case) throws {
    let found = PairedComparison(Array(zip(given.left, given.right)).map { (left: $0.0, right: $0.1) })
    let t = try #require(found.t)
    expectClose(t.statistic, given.t, relative: 1e-9)
    expectClose(t.p, given.p, relative: 1e-9)
    let interval = try #require(found.interval)
    expectClose(interval.lowerBound, given.interval.lowerBound, relative: 1e-9)
    expectClose(interval.upperBound, given.interval.upperBound, relative: 1e-9)
    let wilcoxon = try #require(found.wilcoxon)
    #expect(wilcoxon.statistic == given.rankSum)
    expectClose(wilcoxon.p, given.rankP, relative: 1e-9)
    let exchanged = PairedComparison(Array(zip(given.right, given.left)).map { (left: $0.0, right: $0.1) })
    expectClose(exchanged.t?.statistic ?? 0, -given.t, relative: 1e-9)
    #expect(exchanged.wilcoxon == wilcoxon)
  }

  @Test func whereNothingCanBeSaidNothingIs() {
    #expect(PairedComparison([]).t == nil && PairedComparison([]).wilcoxon == nil)
    #expect(PairedComparison([(1, 2)]).t == nil && PairedComparison([(1, 2)]).interval == nil)
    // All differences alike: no spread to measure them by.
    let alike = PairedComparison([(1, 2), (2, 3), (3, 4)])
    #expect(alike.t == nil && alike.wilcoxon?.p == 0.25)
    #expect(PairedComparison([(1, 1), (2, 2)]).wilcoxon == nil)
  }
}
