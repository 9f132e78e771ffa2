import Testing

@testable import Configuration

struct SpellingTests {
  @Test(arguments: [
    ("hiden", "hidden", 1), ("setps", "steps", 1), ("", "abc", 3), ("abc", "abc", 0), ("abcd", "dcba", 3),
  ])
  func distanceCountsEditsAndSwaps(_ left: String, _ right: String, _ expected: Int) {
    #expect(Spelling.distance(Array(left), Array(right)) == expected)
    #expect(Spelling.distance(Array(right), Array(left)) == expected)
  }

  @Test func theNearestOfSeveralWins() {
    #expect(Spelling.nearest(to: "stps", among: ["stop", "steps"]) == "steps")
    #expect(Spelling.nearest(to: "zebra", among: ["steps", "rate"]) == nil)
    #expect(Spelling.nearest(to: "Steps", among: ["steps"]) == "steps")
  }
}
