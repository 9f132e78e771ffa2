import Configuration
import Layers
import TestKit
import Testing

@Suite struct ScheduleTests {
  private func values(_ schedule: Schedule, _ steps: [Int]) -> [Double] { steps.map { schedule.value(at: .step($0)) } }

  @Test func aConstantIsTheSameEverywhere() {
    #expect(values(Schedule(0.3), [0, 1, 1_000_000]) == [0.3, 0.3, 0.3])
    #expect(Schedule(0.3).value(at: .end) == 0.3)
  }

  @Test(arguments: [Schedule.Kind.linear, .exponential, .cosine])
  func aChangeRunsFromBeginToEnd(kind: Schedule.Kind) {
    let schedule = Schedule(kind, from: 8, to: 2, begin: 10, end: 30)
    #expect(values(schedule, [0, 9, 10]) == [8, 8, 8])
    #expect(values(schedule, [30, 31, 1_000_000]) == [2, 2, 2])
    #expect(schedule.value(at: .end) == 2)
    let inside = values(schedule, Array(10...30))
    #expect(zip(inside, inside.dropFirst()).allSatisfy { $0 > $1 })
    let rising = Schedule(kind, from: 2, to: 8, begin: 10, end: 30)
    #expect(zip(values(rising, Array(10..<30)), values(rising, Array(11...30))).allSatisfy { $0 < $1 })
  }

  @Test func midwayEachKindHasItsMean() {
    func middle(_ kind: Schedule.Kind) -> Double {
      Schedule(kind, from: 8, to: 2, begin: 10, end: 30).value(at: .step(20))
    }
    expectClose(middle(.linear), 5)
    expectClose(middle(.exponential), 4)
    expectClose(middle(.cosine), 5)
  }

  @Test func aQuarterOfTheWayEachKindHasItsShare() {
    func quarter(_ kind: Schedule.Kind) -> Double {
      Schedule(kind, from: 8, to: 2, begin: 10, end: 30).value(at: .step(15))
    }
    expectClose(quarter(.linear), 6.5)
    expectClose(quarter(.exponential), 5.656854249492381)
    expectClose(quarter(.cosine), 7.121320343559643)
  }

  @Test func piecewiseValuesHoldFromTheirSteps() {
    var schedule = Schedule(1)
    (schedule.kind, schedule.steps, schedule.values) = (.piecewise, [10, 20], [0.5, 0.1])
    #expect(values(schedule, [0, 9, 10, 19, 20, 1000]) == [1, 1, 0.5, 0.5, 0.1, 0.1])
    #expect(schedule.value(at: .end) == 0.1)
  }
}

@Suite struct ScheduleCodingTests {
  struct Settings: Configurable {
    var rate = Schedule(0.5)
    var decay = Schedule(.linear, from: 1, to: 0.5, begin: 0, end: 100)
    static let fields: [Field<Settings>] = [
      .schedule("rate", \.rate, in: 0...10, "step size"),
      .schedule("decay", \.decay, in: -1...1, "a schedule by default"),
    ]
  }

  private func load(_ text: String, _ overrides: [String] = []) throws -> Settings {
    try ConfigurationFile.load(Settings.self, text: text, name: "run.yaml", overrides: overrides).value
  }

  private func fault(_ text: String, _ overrides: [String] = []) -> String {
    do {
      return "nothing was thrown: \(try load(text, overrides))"
    } catch { return "\(error)" }
  }

  @Test func aNumberIsAConstant() throws {
    #expect(try load("rate: 1e-3").rate == Schedule(1e-3))
    #expect(try load("decay: 0.25").decay == Schedule(0.25))
    #expect(try load("").rate == Schedule(0.5))
  }

  @Test func aSectionIsASchedule() throws {
    let text = "rate: { schedule: cosine, from: 1e-3, to: 1e-4, begin: 5, end: 9000 }"
    #expect(try load(text).rate == Schedule(.cosine, from: 1e-3, to: 1e-4, begin: 5, end: 9000))
    #expect(
      try load("rate: { schedule: exponential, to: 0.1, end: 7 }").rate
        == Schedule(.exponential, from: 0.5, to: 0.1, begin: 0, end: 7))
    var expected = Schedule(2)
    (expected.kind, expected.steps, expected.values) = (.piecewise, [3, 6], [1, 0])
    #expect(try load("rate: { schedule: piecewise, from: 2, steps: [3, 6], values: [1, 0] }").rate == expected)
  }

  @Test func anOverrideChangesAKeyOrAll() throws {
    let text = "rate: { schedule: linear, from: 1, to: 0.1, begin: 5, end: 90 }"
    #expect(try load(text, ["rate.end=50"]).rate == Schedule(.linear, from: 1, to: 0.1, begin: 5, end: 50))
    #expect(try load(text, ["rate=0.2"]).rate == Schedule(0.2))
    #expect(try load("rate: 3", ["rate={schedule: linear, to: 1, end: 10}"]).rate.kind == .linear)
    #expect(try load("", ["decay.to=0.25"]).decay == Schedule(.linear, from: 1, to: 0.25, begin: 0, end: 100))
  }

  @Test(arguments: Schedule.Kind.allCases)
  func aScheduleIsWrittenAsItIsRead(kind: Schedule.Kind) throws {
    var settings = Settings()
    settings.rate = Schedule(kind, from: 0.75, to: 0.125, begin: 3, end: 17)
    if kind == .constant { settings.rate = Schedule(0.75) }
    if kind == .piecewise {
      settings.rate = Schedule(0.75)
      (settings.rate.kind, settings.rate.steps, settings.rate.values) = (.piecewise, [1, 4], [0.5, 0.25])
    }
    #expect(try load(ConfigurationFile.encode(settings)).rate == settings.rate)
  }

  @Test(
    arguments: [
      ("rate: fast", ["'rate'", "number"]),
      ("rate: [1]", ["'rate'", "section"]),
      ("rate:", ["'rate'"]),
      ("rate: 11", ["'rate'", "11", "0 to 10"]),
      ("rate: -1", ["'rate'", "-1", "0 to 10"]),
      ("rate: { schedule: linaer, to: 1, end: 5 }", ["'rate.schedule'", "linaer", "linear"]),
      ("rate: { schedule: linear, from: 1, too: 0.1, end: 5 }", ["too", "to"]),
      ("rate: { schedule: linear, from: 1, to: 0.1, begin: 5, end: 5 }", ["'rate.end'", "5", "begin"]),
      ("rate: { schedule: cosine, from: 1, to: 0.1 }", ["'rate.end'"]),
      ("rate: { schedule: linear, from: 1, to: 0.1, begin: -1, end: 5 }", ["'rate.begin'", "-1"]),
      ("rate: { schedule: exponential, from: 0, to: 0.1, end: 5 }", ["'rate.from'", "above 0"]),
      ("rate: { schedule: exponential, from: 1, to: 0, end: 5 }", ["'rate.to'", "above 0"]),
      ("rate: { schedule: linear, from: 1, to: 20, end: 5 }", ["'rate'", "20", "10"]),
      ("rate: { schedule: linear, from: -2, to: 1, end: 5 }", ["'rate'", "-2", "0"]),
      ("rate: { schedule: piecewise, steps: [1, 2], values: [1] }", ["'rate.values'", "1 values for 2 steps"]),
      ("rate: { schedule: piecewise }", ["'rate.values'"]),
      ("rate: { schedule: piecewise, steps: [2, 2], values: [1, 2] }", ["'rate.steps'", "rise"]),
      ("rate: { schedule: piecewise, steps: [1, 2], values: [1, 12] }", ["'rate'", "12", "10"]),
    ])
  func aFaultNamesItsPlaceAndWhatIsWrong(text: String, words: [String]) {
    let message = fault(text)
    #expect(message.hasPrefix("run.yaml:1:"), "\(message)")
    for word in words { #expect(message.contains(word), "\(message)") }
  }
}
