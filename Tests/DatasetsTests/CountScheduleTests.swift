import Scenes
import Testing

@testable import Datasets

struct CountScheduleTests {
  @Test(arguments: [[0: 20_000, 1: 20_000, 2: 20_000], [1: 7, 4: 3], [3: 5], [0: 1, 2: 1000, 5: 0, 16: 99]])
  func classSizesAreExact(counts: [Int: Int]) {
    let schedule = CountSchedule(counts, validation: 0, test: 0)
    for (number, size) in counts {
      #expect(schedule[.train].filter { Int($0) == number }.count == size)
    }
    #expect(schedule[.train].count == counts.values.reduce(0, +))
  }

  @Test func otherSplitsShareTheirScenesInProportion() {
    let schedule = CountSchedule([0: 20_000, 1: 20_000, 2: 20_000], validation: 2000, test: 10)
    let sizes = (0..<3).map { number in schedule[.validation].filter { $0 == number }.count }
    #expect(sizes.sorted() == [666, 667, 667])
    #expect(schedule[.test].count == 10)
  }

  @Test func largestRemaindersGetWhatIsLeft() {
    // Exact shares 1.67, 1.67, 6.67: one scene each is left for the first two remainders in order.
    #expect(CountSchedule.shares(of: 10, inProportionTo: [1, 1, 4]) == [2, 2, 6])
    #expect(CountSchedule.shares(of: 5, inProportionTo: [0, 3]) == [0, 5])
    #expect(CountSchedule.shares(of: 0, inProportionTo: [2, 3]) == [0, 0])
  }

  @Test func everyStretchIsBalanced() {
    let numbers = CountSchedule([0: 300, 1: 600, 3: 100], validation: 0, test: 0)[.train]
    for start in stride(from: 0, to: 900, by: 30) {
      let ones = numbers[start..<start + 100].filter { $0 == 1 }.count
      #expect((58...62).contains(ones))
    }
  }
}
