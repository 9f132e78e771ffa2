import Testing

@testable import Pictures

@Suite struct AxisTicksTests {
  @Test(arguments: [
    (0.0...1.0, 5, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    (-130...535, 6, ["-100", "0", "100", "200", "300", "400", "500"]),
    (0...99_000, 5, ["0", "20k", "40k", "60k", "80k"]),
    (0...3e6, 6, ["0", "0.5M", "1.0M", "1.5M", "2.0M", "2.5M", "3.0M"]),
    (-1e-4...1e-4, 4, ["-1.0e-4", "-0.5e-4", "0", "0.5e-4", "1.0e-4"]),
    (0.93...0.97, 4, ["0.93", "0.94", "0.95", "0.96", "0.97"]),
    (100_010...100_050, 4, ["100010", "100020", "100030", "100040", "100050"]),
  ])
  func ticksAreRoundNumbers(range: ClosedRange<Double>, count: Int, labels: [String]) {
    #expect(AxisTicks(in: range, count: count).labels == labels)
  }

  @Test func ticksStayInsideAndNearTheCountAskedFor() {
    var random = SplitMix(state: 5)
    for _ in 0..<500 {
      let low = Double.random(in: -1000...1000, using: &random)
      let range = low...(low + .random(in: 0.01...5000, using: &random))
      let count = Int.random(in: 3...10, using: &random)
      let ticks = AxisTicks(in: range, count: count)
      #expect((count / 2...2 * count + 1).contains(ticks.values.count))
      let slack = 1e-5 * (range.upperBound - range.lowerBound)
      #expect(ticks.values.allSatisfy { $0 > range.lowerBound - slack && $0 < range.upperBound + slack })
      #expect(Set(ticks.labels).count == ticks.labels.count)
    }
  }

  @Test func decimalsAreFixed() {
    #expect(decimal(1.005, places: 1) == "1.0")
    #expect(decimal(-0.04, places: 1) == "0.0")
    #expect(decimal(-12.345, places: 2) == "-12.35" || decimal(-12.345, places: 2) == "-12.34")
    #expect(decimal(7, places: 0) == "7")
    #expect(decimal(0.05, places: 2) == "0.05")
    #expect(decimal(1e200, places: 2) == "1e+200")
  }
}
