import Foundation
import Testing

@testable import Experiments

/// `config check` says of an experiment what a sweep says, whatever is wrong with it.
struct FileKindTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(tinyConfig.utf8, to: "tiny.yaml")
    try folder.write("base: tiny.yaml\nrows: { a: {}, b: { training.batch: 3 } }\n".utf8, to: "good.yaml")
  }

  private func same(_ path: String, budget: String? = nil, _ overrides: String...) -> String {
    let sweep = complaint { _ = try Experiment(path, budget: budget, overrides: overrides) }
    #expect(complaint { _ = try ConfigReading.verdict(path, budget: budget, overrides) } == sweep)
    return sweep.replacingOccurrences(of: folder.path + "/", with: "")
  }

  @Test(arguments: [
    ("base: tiny.yaml\nseeds: 2\nrows: {a: {}}\n", "e.yaml:2:8: 'seeds' must be a list, not the integer 2"),
    ("base: tiny.yaml\nrows: {a: {}, b: {training.batch: 4}}\n", "rows 'a' and 'b' are the same config"),
    ("base: none.yaml\nrows: {a: {}, b: {}}\n", "e.yaml:1:7: cannot read 'none.yaml'"),
    ("base: tiny.yaml\nrows: {a: {training.seed: 2}}\n", "e.yaml:2:27: 'training.seed' is decided by 'seeds'"),
    ("base: tiny.yaml\nrows: {a: {training: {threads: 2}}}\n", "'training.threads' is decided by the sweep"),
    ("base: tiny.yaml\nrwos: {a: {}}\n", "e.yaml:2:1: unknown key 'rwos' at the top level; did you mean 'rows'?"),
    ("rows: {a: {}}\n", "'base' is missing"), ("base: tiny.yaml\n", "'rows' is missing"),
    ("base: tiny.yaml\nrows: [\n", "broken YAML"), ("base: good.yaml\nrows: {a: {}}\n", "which is an experiment"),
    ("base: tiny.yaml\nrows: {a: {}}\ntraining: {steps: 3}\n", "e.yaml:3:1: unknown key 'training' at the top level"),
    ("base: tiny.yaml\nrows: {a: {}}\npaper: {a: {nelbo: nan}}\n", "'paper.a.nelbo' must be a number"),
    ("base: tiny.yaml\nrows: {a: {}}\npaper: {a: {nelbo: 1e999}}\n", "'paper.a.nelbo' must be a number"),
  ])
  func checkAndSweepTellTheSameFaults(_ text: String, _ words: String) throws {
    let found = same(try folder.write(text.utf8, to: "e.yaml"))
    #expect(found.contains(words), "\(found)")
    #expect(!found.contains("unknown key 'base'"))
  }

  @Test func budgetsAndOverridesAreChecked() throws {
    let path = try folder.write(
      "base: tiny.yaml\nrows: {a: {}, b: {training.batch: 3}}\nbudgets: {bad: {training.seed: 1}, no: {training: 3}}\n"
        .utf8,
      to: "e.yaml")
    #expect(same(path) == "")
    #expect(
      same(path, budget: "bad")
        == "e.yaml:3:32: 'training.seed' is decided by 'seeds' of the experiment: name the seeds there, and leave it out here"
    )
    #expect(same(path, budget: "no").contains("'training' must be a section"))
    #expect(same(path, budget: "qiuck").contains("has no 'qiuck'"))
    for override in ["training.seed=7", "training={seed: 7}"] {
      #expect(same(path, override).hasPrefix("override '\(override)': 'training.seed' is decided by 'seeds'"))
    }
    #expect(same(path, "training.threads=2").contains("--threads"))
    #expect(same(path, "training.batch=2").contains("are the same config"))
  }

  @Test func aFaultThatAllRowsShareIsToldOnce() throws {
    try folder.write("training: { steps: 0 }\n".utf8, to: "broken.yaml")
    let path = try folder.write("base: broken.yaml\nrows: { training.batch: [2, 3, 4] }\n".utf8, to: "e.yaml")
    #expect(same(path) == "broken.yaml:1:20: 'training.steps' is 0, outside its range: 1 to 1000000000")
    try folder.write("base: tiny.yaml\nrows: { a: {training.steps: 0}, b: {} }\n".utf8, to: "e.yaml")
    #expect(same(path).hasSuffix("(row 'a')"))
  }

  @Test func aConfigIsNoExperimentAndTheOtherWayRound() throws {
    let (config, experiment) = ("\(folder.path)/tiny.yaml", "\(folder.path)/good.yaml")
    #expect(complaint { _ = try Experiment(config) }.contains("is a config, not an experiment"))
    #expect(complaint { _ = try ConfigReading(config, row: "a", []) }.contains("is a config, not an experiment"))
    #expect(complaint { _ = try ConfigReading(config, budget: "a", []) }.contains("only an experiment has budgets"))
    #expect(
      complaint { _ = try Runner.check(experiment, []) }
        == "\(experiment): is an experiment; choose one of its rows by --row (rows: a, b)")
    let broken = try folder.write("base: tiny.yaml\nrows: {}\n".utf8, to: "e.yaml")
    #expect(
      complaint { _ = try Runner.check(broken, []) } == "\(broken): is an experiment; choose one of its rows by --row")
    let empty = try folder.write("".utf8, to: "empty.yaml")
    #expect(complaint { _ = try Runner.check(empty, []) } == "")
    #expect(complaint { _ = try Experiment(empty) }.contains("'base' is missing"))
  }

  @Test func anExperimentMayExtendOneInAnotherFolder() throws {
    try FileManager.default.createDirectory(atPath: "\(folder.path)/sub", withIntermediateDirectories: true)
    let path = try folder.write("extends: ../good.yaml\nseeds: [3, 4]\n".utf8, to: "sub/more.yaml")
    let only = try folder.write("extends: ../good.yaml\n".utf8, to: "sub/only.yaml")
    #expect(try Experiment(path).cells.map(\.place) == ["a/seed-3", "a/seed-4", "b/seed-3", "b/seed-4"])
    #expect(try Experiment(only).rows == ["a", "b"])
    #expect(try ConfigReading.verdict(only, []) == "\(only): fine, with all of its 2 rows")
    try folder.write(tinyConfig.replacingOccurrences(of: "steps: 24", with: "steps: 5").utf8, to: "sub/own.yaml")
    try folder.write("extends: ../good.yaml\nbase: own.yaml\n".utf8, to: "sub/own-base.yaml")
    #expect(try Experiment("\(folder.path)/sub/own-base.yaml").cells[0].config.training.steps == 5)
  }

  @Test func explainOfARowIsWhatASweepTrains() throws {
    let path = try folder.write(
      "base: tiny.yaml\nseeds: [5, 6]\nrows: {a: {training.batch: 2}}\nbudgets: {quick: {training.steps: 7}}\n".utf8,
      to: "e.yaml")
    for budget in [nil, "quick"] {
      let cell = try #require(try Experiment(path, budget: budget).cells.first)
      let row = try ConfigReading(path, row: "a", budget: budget, [])
      #expect(row.text == Runner.text(of: cell.config))
    }
    let words = try ConfigReading(path, row: "a", []).explanation(of: "training.seed")
    #expect(words.contains("training.seed: 5\n") && words.contains("set by:  \(path):2:9"), "\(words)")
    #expect(try ConfigReading(path, row: "a", ["training.seed=6"]).config.training.seed == 6)
  }
}
