import Configuration
import Foundation
import Testing

@testable import Experiments

struct GridTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(tinyConfig.utf8, to: "tiny.yaml")
  }

  private func experiment(_ rest: String, seeds: String = "[0]") throws -> Experiment {
    let path = try folder.write("base: tiny.yaml\nseeds: \(seeds)\n\(rest)\n".utf8, to: "experiment.yaml")
    return try Experiment(path)
  }

  private func rows(_ grid: String) throws -> [String] { try experiment("rows: \(grid)").rows }

  private func fault(_ rest: String) -> String { complaint { _ = try experiment(rest) } }

  @Test func axesGiveAllTheirCombinationsTheLastOneFastest() throws {
    let found = try experiment("rows: { training.batch: [4, 8], estimator.name: [nvil, marginal] }")
    #expect(found.rows == ["batch-4-nvil", "batch-4-marginal", "batch-8-nvil", "batch-8-marginal"])
    #expect(found.cells.map(\.config.training.batch) == [4, 4, 8, 8])
    #expect(found.cells.map(\.config.estimator.name) == ["nvil", "marginal", "nvil", "marginal"])
  }

  @Test func gridsNest() throws {
    let grid = """
      {
        product: [
          { list: [ { plain: {} }, { training.clip_norm: [1, 10] } ] },
          { zip: [ { small: { model: { controller: { hidden: 6 } } }, large: { model: { controller: { hidden: 9 } } } },
                   { training.batch: [4, 2] } ] } ] }
      """
    #expect(
      try rows(grid) == [
        "plain-small-batch-4", "plain-large-batch-2", "clip_norm-1-small-batch-4", "clip_norm-1-large-batch-2",
        "clip_norm-10-small-batch-4", "clip_norm-10-large-batch-2",
      ])
  }

  @Test func exclusionsTakeOutRowsThatSetAllTheirValues() throws {
    let grid = "product: [ { training.batch: [2, 4] }, { estimator.name: [nvil, marginal] } ]"
    #expect(
      try rows("{ \(grid), exclude: [ { training.batch: 2, estimator: { name: nvil } } ] }")
        == ["batch-2-marginal", "batch-4-nvil", "batch-4-marginal"])
    #expect(
      try rows("{ \(grid), exclude: [ { training.batch: 2 }, { estimator.name: nvil } ] }") == ["batch-4-marginal"])
    #expect(fault("rows: { \(grid), exclude: [ { training.batch: 3 } ] }").contains("excludes no row"))
    #expect(
      fault("rows: { \(grid), exclude: [ { training.batch: 2 }, { training.batch: 4 } ] }").contains(
        "'rows' has no rows"))
  }

  @Test func seedsMultiplyRows() throws {
    let found = try experiment("rows: { a: {}, b: { training: { batch: 2 } } }", seeds: "[3, 1]")
    #expect(found.cells.map(\.place) == ["a/seed-3", "a/seed-1", "b/seed-3", "b/seed-1"])
    #expect(found.cells.map(\.config.training.seed) == [3, 1, 3, 1])
    #expect(Set(found.cells.map(\.hash)).count == 4)
  }

  @Test func aBudgetStandsAboveRowsAndOverridesAboveABudget() throws {
    let text = """
      base: tiny.yaml
      rows: { long: { training: { steps: 50 } }, wide: { training: { batch: 8 } } }
      budgets: { quick: { training: { steps: 3 } }, dotted: { training.steps: 4, model.steps: 2 } }
      """
    let path = try folder.write(text.utf8, to: "budgets.yaml")
    #expect(try Experiment(path).cells.map(\.config.training.steps) == [50, 24])
    #expect(try Experiment(path, budget: "quick").cells.map(\.config.training.steps) == [3, 3])
    #expect(try Experiment(path, budget: "dotted").cells.map(\.config.training.steps) == [4, 4])
    let above = try Experiment(path, budget: "quick", overrides: ["training.steps=2"])
    #expect(above.cells.map(\.config.training.steps) == [2, 2])
    #expect(complaint { _ = try Experiment(path, budget: "qiuck") }.contains("has no 'qiuck' (budgets: quick, dotted)"))
  }

  // MARK: Random rows

  @Test func randomValuesLieWithinTheirBoundsAndFollowTheirDistribution() throws {
    let grid = """
      { random: { samples: 400, seed: 3, training.optimizer.rate: { log_uniform: [1e-5, 1e-1] },
          training.clip_norm: { uniform: [2, 4] }, training.batch: { integer: [2, 5] },
          estimator.name: { choice: [nvil, marginal] } } }
      """
    let text = "base: tiny.yaml\nrows: \(grid)\n"
    let node = try ConfigurationFile.load(
      ExperimentFile.self, path: try folder.write(text.utf8, to: "random.yaml")
    ).value.rows
    let drawn = try Grid(node).rows
    #expect(drawn.count == 400 && drawn[0].name == "sample-001" && drawn[399].name == "sample-400")
    func values(_ path: [String]) -> [String] {
      drawn.compactMap { row in
        row.amendments.lazy.compactMap { path.reduce(Optional($0)) { $0?[$1] } }.first?.scalar
      }
    }
    let rates = values(["training", "optimizer", "rate"]).compactMap(Double.init)
    #expect(rates.count == 400 && rates.allSatisfy { (1e-5...1e-1).contains($0) })
    // A quarter of the samples lies in each decade; five deviations of such a share are 0.11.
    for decade in -5 ..< -1 {
      let share = rates.filter { log10($0) >= Double(decade) && log10($0) < Double(decade + 1) }.count
      #expect(abs(Double(share) / 400 - 0.25) < 0.11)
    }
    let norms = values(["training", "clip_norm"]).compactMap(Double.init)
    #expect(norms.allSatisfy { (2...4).contains($0) } && abs(norms.reduce(0, +) / 400 - 3) < 0.15)
    #expect(Set(values(["training", "batch"])) == ["2", "3", "4", "5"])
    #expect(Set(values(["estimator", "name"])) == ["nvil", "marginal"])
  }

  @Test func moreSamplesAndOtherKeysLeaveADrawAsItIs() throws {
    func rates(_ inside: String) throws -> [String] {
      try experiment("rows: { random: { \(inside) } }").cells.map { Runner.text(of: $0.config) }
        .compactMap { $0.split(separator: "\n").first { $0.contains("clip_norm:") }.map(String.init) }
    }
    let key = "training.clip_norm: { uniform: [0, 1] }"
    let few = try rates("samples: 3, \(key)")
    #expect(Set(few).count == 3)
    #expect(try Array(rates("samples: 5, \(key)").prefix(3)) == few)
    #expect(try rates("samples: 3, \(key), training.batch: { integer: [2, 50] }") == few)
    #expect(try rates("samples: 3, seed: 1, \(key)") != few)
  }

  @Test func randomRowsDifferAsLongAsTheyCan() throws {
    func batches(_ inside: String) throws -> [Int] {
      try experiment("rows: { random: { \(inside) } }").cells.map(\.config.training.batch)
    }
    let choice = "training.batch: { choice: [1, 2, 3, 4, 5, 6, 7, 8] }"
    let all = try batches("samples: 8, \(choice)")
    #expect(all.sorted() == Array(1...8))
    #expect(try batches("samples: 5, \(choice)") == Array(all.prefix(5)))
    #expect(try batches("samples: 40, training.batch: { integer: [1, 40] }").sorted() == Array(1...40))
    #expect(
      fault("rows: { random: { samples: 9, \(choice) } }").contains(
        "'rows.random' asks for 9 samples, but only 8 rows differ"))
    #expect(
      fault(
        "rows: { random: { samples: 5, training.batch: { choice: [2, 3] }, training.clip_norm: { choice: [1, 1.0, 2] } } }"
      )
      .contains("only 4 rows differ"))
  }

  @Test func rowsAndBudgetsSetElementsOfLists() throws {
    let text = "base: tiny.yaml\nrows: { model.head.0: [6, 7] }\nbudgets: { deep: { model.head.0: 5 } }\n"
    let path = try folder.write(text.utf8, to: "heads.yaml")
    func heads(_ budget: String?, _ row: String) throws -> String {
      try ConfigReading(path, row: row, budget: budget, []).explanation(of: "model.head").prefix { $0 != "\n" }
        .description
    }
    #expect(try Experiment(path).rows == ["head.0-6", "head.0-7"])
    #expect(try heads(nil, "head.0-7") == "model.head: [7]")
    #expect(try heads("deep", "head.0-7") == "model.head: [5]")
    #expect(fault("rows: { a: { model.head.1: 9 } }").contains("'model.head' has no element 1"))
    #expect(fault("rows: { a: { dataset.counts.1: 9 } }").contains("'dataset.counts' has no keys of its own"))
  }

  // MARK: Limits

  /// Eight axes of 50 values are 39 million million rows.
  @Test func expansionsAreBoundedBeforeAnythingIsBuilt() {
    let values = "[" + (1...50).map(String.init).joined(separator: ", ") + "]"
    let axes = (1...8).map { "training.key\($0): \(values)" }
    let limit = "more than the 10000 rows that an experiment can have"
    #expect(fault("rows: { \(axes.joined(separator: ", ")) }").contains(limit))
    #expect(fault("rows: { product: [\(axes.map { "{ \($0) }" }.joined(separator: ", "))] }").contains(limit))
    let huge = (0..<70).map { "training.key\($0): [1, 2]" }.joined(separator: ", ")
    #expect(fault("rows: { \(huge) }").contains("asks for all combinations of 70 grids, \(limit)"))
    #expect(
      fault("rows: { random: { samples: 100000, training.clip_norm: { uniform: [0, 1] } } }").contains(
        "'rows.random.samples' is 100000, outside its range: 1 to 10000"))
    let many = (1...100).map(String.init).joined(separator: ", ")
    let hundred = "{ training.batch: [\(many)], training.steps: [\(many)] }"
    let exclude = "exclude: [{ training.batch: 1 }]"
    #expect(
      fault("rows: { list: [\((0..<6).map { _ in "{ product: [\(hundred)], \(exclude) }" }.joined(separator: ", "))] }")
        .contains("builds more than 50000 rows"))
    let sets = (1...101).map { "{ training.batch: \($0) }" }.joined(separator: ", ")
    #expect(fault("rows: { product: [\(hundred)], exclude: [\(sets)] }").contains("more than 1000000 pairs"))
    let wide = (0..<60).map { "training.key\($0): 1" }.joined(separator: ", ")
    #expect(
      fault("rows: { product: [\(hundred), { a: { \(wide) } }] }").contains("sets more than 500000 values"))
    #expect(
      complaint {
        _ = try experiment(
          "rows: { training.batch: [\(many)] }", seeds: "[\((0...100).map(String.init).joined(separator: ", "))]")
      }
      .contains("has 100 rows, with 101 seeds each 10100 cells; an experiment can have 10000"))
  }

  @Test func namesFitAFolder() {
    let long = (0..<12).map { "training.key\($0): [\(String(repeating: "x", count: 30))]" }.joined(separator: ", ")
    #expect(fault("rows: { \(long) }").contains("it names a folder, and can have 200 at most"))
    #expect(fault("rows: { \"a\\eb\": {} }").contains("called 'a\\u{1B}b', with the invisible character U+001B in it"))
    #expect(fault("rows: { \"a\\r\\nb\": {} }").contains("invisible character U+000D"))
    #expect(fault("rows: { \"a\\u202Eb\": {} }").contains("invisible character U+202E"))
    #expect(fault("rows: { \"a\\0b\": {}, \"a\\0c\": {} }").contains("NUL"))
    for name in ["", ".a", "-a", "a/b"] {
      #expect(fault("rows: { \"\(name)\": {} }").contains("cannot name a folder"), "\(name)")
    }
    // These are one name to Swift, and two to the file system.
    #expect(!fault("rows: { \"\u{E9}\": {}, \"e\u{301}\": { training.batch: 2 } }").isEmpty)
    #expect(fault("rows: { \"a=b, c|d\": {}, \"A=b, c|d\": { training.batch: 2 } }") == "")
  }

  @Test func numbersWithoutBoundAreRefused() {
    for (distribution, words) in [
      (
        "integer: [-9223372036854775808, 9223372036854775807]",
        "outside its range: -9007199254740992 to 9007199254740992"
      ),
      ("uniform: [-1.7e308, 1.7e308]", "outside its range: -1e+300 to 1e+300"),
      ("uniform: [0, .inf]", "is .inf, outside"),
      ("uniform: [.nan, 1]", "is .nan, outside"), ("log_uniform: [1, 1e999]", "is 1e999, outside"),
      ("integer: [0, 99999999999999999999]", "is 99999999999999999999, outside"),
    ] {
      let found = fault("rows: { random: { samples: 2, training.clip_norm: { \(distribution) } } }")
      #expect(found.contains(words), "\(distribution): \(found)")
    }
    #expect(fault("rows: { a: {} }\npaper: { a: { nelbo: 0x10 +- inf } }").contains("must be a number"))
    #expect((try? experiment("rows: { a: {} }", seeds: "[0, 9007199254740992]"))?.cells.count == 2)
    #expect(
      complaint { _ = try experiment("rows: { a: {} }", seeds: "[9007199254740993]") }.contains("outside its range"))
  }

  // MARK: Faults

  @Test func faultsAreNamedWithTheirPlaceAndTheRow() {
    for (rest, words) in [
      ("rows: {}", "'rows' must hold rows"), ("rows: 3", "'rows' must hold rows"),
      ("rows: { training.batch: [] }", "experiment.yaml:3:25: 'rows.training.batch' has no values"),
      ("rows: { a: {}, training.batch: [2] }", "'a' is a named row next to 'training.batch'"),
      ("rows: { a: 3 }", "experiment.yaml:3:12: 'rows.a' must be a set of overrides"),
      ("rows: { product: [ { a: {} } ], more: {} }", "'more' cannot be combined with 'product'"),
      ("rows: { product: 3 }", "'rows.product' must be a list of grids"),
      ("rows: { zip: [ { training.batch: [2, 4] }, { a: {} } ] }", "grids of one length; these have 2, 1 rows"),
      ("rows: { list: [ { a: {} }, { a: { training: { batch: 2 } } } ] }", "two rows called 'a'"),
      ("rows: { a/b: {} }", "called 'a/b', which cannot name a folder"),
      ("rows: { a: { training..batch: 2 } }", "'training..batch' is not a key: names joined by single dots"),
      ("rows: { training.: [2] }", "'training.' is not a key"),
      ("rows: { a: {}, b: {} }", "rows 'a' and 'b' are the same config"),
      ("rows: { a: {}, b: { training: { bacth: 3 } } }", "did you mean 'batch'? "),
      ("rows: { training.batch: [4, 0] }", "experiment.yaml:3:29: 'training.batch' is 0, outside its range"),
      ("rows: { random: { samples: 0 } }", "'rows.random.samples' is 0, outside its range"),
      ("rows: { random: { samples: 2 } }", "draws no key"),
      ("rows: { random: { samples: 2, training.batch: { unifrom: [1, 2] } } }", "unknown distribution 'unifrom'"),
      ("rows: { random: { samples: 2, training.batch: { integer: [5, 2] } } }", "with low not above high"),
      ("rows: { random: { samples: 2, training.clip_norm: { log_uniform: [0, 2] } } }", "bounds above 0"),
      ("rows: { a: {} }\nseeds: []", "second time"), ("rows: { a: {} }\nbugdets: {}", "did you mean 'budgets'?"),
    ] {
      let found = fault(rest)
      #expect(found.contains(words), "\(rest): \(found)")
    }
    #expect(fault("rows: { a: { training: { bacth: 3 } } }").contains("(row 'a')"))
  }
}
