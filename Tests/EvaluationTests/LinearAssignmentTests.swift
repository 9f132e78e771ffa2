import Evaluation
import Testing

struct LinearAssignmentTests {
  /// A small generator, so that the oracle depends on nothing of the package.
  private struct Numbers: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state >> 33) ^ (state << 31)
    }
  }

  /// The smallest sum over all ways to pair `min(rows, columns)` of them.
  private func bruteForce(_ costs: [Double], _ rows: Int, _ columns: Int) -> Double {
    func best(_ row: Int, _ free: Set<Int>, _ skips: Int) -> Double {
      if row == rows { return 0 }
      var smallest = skips > 0 ? best(row + 1, free, skips - 1) : .infinity
      for column in free {
        smallest = min(smallest, costs[row * columns + column] + best(row + 1, free.subtracting([column]), skips))
      }
      return smallest
    }
    return best(0, Set(0..<columns), max(0, rows - columns))
  }

  private func expectValid(_ assignment: LinearAssignment, _ rows: Int, _ columns: Int) {
    let used = assignment.columns.compactMap { $0 }
    #expect(assignment.columns.count == rows && used.count == min(rows, columns) && Set(used).count == used.count)
    #expect(used.allSatisfy { (0..<columns).contains($0) })
  }

  @Test func matchesBruteForceOnRandomMatrices() {
    var numbers = Numbers(state: 1)
    for rows in 1...6 {
      for columns in 1...6 {
        for round in 0..<12 {
          // Real costs, negative ones, and small whole ones with many ties.
          let costs = (0..<rows * columns).map { _ in
            round % 3 == 0 ? Double(Int.random(in: 0...2, using: &numbers)) : Double.random(in: -1...1, using: &numbers)
          }
          let smallest = LinearAssignment(minimizing: costs, rows: rows, columns: columns)
          expectValid(smallest, rows, columns)
          #expect(abs(smallest.total - bruteForce(costs, rows, columns)) < 1e-12)
          let largest = LinearAssignment(maximizing: costs, rows: rows, columns: columns)
          expectValid(largest, rows, columns)
          #expect(abs(largest.total + bruteForce(costs.map { -$0 }, rows, columns)) < 1e-12)
        }
      }
    }
  }

  @Test func theTotalIsTheSumOfThePairs() {
    let costs = [4.0, 1, 3, 2, 0, 5, 3, 2, 2]
    let best = LinearAssignment(minimizing: costs, rows: 3, columns: 3)
    #expect(best.total == 5 && best.columns == [1, 0, 2])
    #expect(LinearAssignment(maximizing: costs, rows: 3, columns: 3).total == 11)
  }

  @Test func noRowsOrColumnsPairNothing() {
    #expect(LinearAssignment(minimizing: [], rows: 0, columns: 3).columns.isEmpty)
    #expect(LinearAssignment(minimizing: [], rows: 2, columns: 0).columns == [nil, nil])
  }

  @Test func largeMatricesAreSolvedExactly() {
    // Row r and column p(r) cost r * c apart from an offset: sorting against each other is optimal (rearrangement).
    let size = 120
    let costs = (0..<size * size).map { Double($0 / size) * Double(($0 % size) * 7 % size) }
    let best = LinearAssignment(minimizing: costs, rows: size, columns: size)
    expectValid(best, size, size)
    #expect(best.total == (0..<size).reduce(0) { $0 + Double($1) * Double(size - 1 - $1) })
  }
}
