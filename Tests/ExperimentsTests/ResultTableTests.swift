import Configuration
import Foundation
import TestKit
import Testing

@testable import Experiments

/// Tables of runs that were written by hand, so that every value is known.
struct ResultTableTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(tinyConfig.utf8, to: "tiny.yaml")
  }

  private func experiment(_ more: String = "") throws -> Experiment {
    let text = """
      title: Two rows
      base: tiny.yaml
      seeds: [0, 1, 2]
      rows: { small: {}, large: { model: { controller: { hidden: 9 } } } }
      columns: [nelbo, count_accuracy]
      \(more)
      """
    return try Experiment(try folder.write(text.utf8, to: "two.yaml"))
  }

  /// Leaves the folder of a cell as a finished run would, or one that failed.
  private func run(
    _ cell: Experiment.Cell, of experiment: Experiment, values: [(String, Double)]?, status: String = "finished",
    collapse: String? = nil, commit: String = "abc", best: (step: Int, values: [(String, Double)])? = nil
  ) throws {
    let run = try emptyRun(CellFolder(cell, in: "\(folder.path)/\(experiment.name)").path)
    func json(_ members: [(String, JSON)]) -> String { JSON.object(members.map { .init($0.0, $0.1) }).description }
    try run.write(Runner.text(of: cell.config), to: "config.yaml")
    try run.write(json([("status", .text(status)), ("step", 24), ("reason", "a reason")]), to: "status.json")
    try run.write(json([("git_commit", .text(commit))]), to: "environment.json")
    guard let values else { return }
    try run.write(
      json([
        ("steps", 24), ("parameters", 7), ("best", .object([.init("step", .integer(best?.step ?? 24))])),
        ("collapse", collapse.map(JSON.text) ?? .null),
      ]), to: "summary.json")
    func evaluation(_ step: Int, _ values: [(String, Double)]) -> String {
      json([("step", .integer(step)), ("split", "test")] + values.map { ($0.0, JSON.number($0.1)) })
    }
    try run.write(evaluation(24, values), to: "evaluation-test-step-24.json")
    if let best { try run.write(evaluation(best.step, best.values), to: "evaluation-test-step-\(best.step).json") }
  }

  @Test func everySeedIsAccountedFor() throws {
    let found = try experiment()
    try run(found.cells[0], of: found, values: [("nelbo", 10), ("count_accuracy", 0.9)])
    try run(found.cells[1], of: found, values: [("nelbo", 14), ("count_accuracy", 0.1)], collapse: "all")
    try run(found.cells[2], of: found, values: nil, status: "failed")
    try run(found.cells[3], of: found, values: [("nelbo", 20), ("count_accuracy", 1)])
    let table = try ResultTable(found, base: folder.path)
    let small = table["small", "nelbo"]
    expectClose(small.statistics.mean ?? 0, 12, relative: 1e-12)
    // The deviation of 10 and 14 as a sample of two.
    expectClose(small.statistics.standardDeviation ?? 0, 8.0.squareRoot(), relative: 1e-12)
    #expect(small.failed == 1 && small.collapsed == 1 && small.unfinished == 0)
    let large = table["large", "nelbo"]
    #expect(large.statistics.count == 1 && large.unfinished == 2)
    let text = table.text(as: .text)
    #expect(text.contains("12.00 ± 2.83 (2; 1 failed; 1 collapsed)"), "\(text)")
    #expect(text.contains("20 (1; 2 unfinished)"), "\(text)")
    #expect(text.contains("on test scenes, the last checkpoint, 24 steps."))
    #expect(text.contains("Warning: rows differ in the number of finished seeds (large: 1; small: 2)."), "\(text)")
    let lines = table.csvOfSeeds.text.split(separator: "\n")
    #expect(
      lines == [
        "row,seed,state,step,nelbo,count_accuracy", "small,0,finished,24,10.0,0.9", "small,1,collapsed,24,14.0,0.1",
        "small,2,failed,,,", "large,0,finished,24,20.0,1.0", "large,1,waiting,,,", "large,2,waiting,,,",
      ])
  }

  @Test func seedsOnDifferentDataAreNotAveraged() throws {
    let found = try experiment()
    for cell in found.cells { try run(cell, of: found, values: [("nelbo", 10)]) }
    func trained(_ index: Int, on data: String, key: String = Provenance.dataKey) throws {
      let path = CellFolder(found.cells[index], in: "\(folder.path)/\(found.name)").path
      try RunFolder(opening: path).write(#"{"\#(key)": "\#(data)"}"#, to: "environment.json")
    }
    for index in 0..<6 { try trained(index, on: "aaaa") }
    #expect(try ResultTable(found, base: folder.path)["small", "nelbo"].statistics.count == 3)
    // Fingerprints of version 0.2 are of another kind.
    try trained(1, on: "cccc", key: "dataset_fingerprint")
    #expect(try ResultTable(found, base: folder.path)["small", "nelbo"].statistics.count == 3)
    try trained(2, on: "bbbb")
    let words = complaint { _ = try ResultTable(found, base: folder.path) }
    #expect(words.contains("bbbb: small/seed-2\n") && words.contains("aaaa: small/seed-0, large/seed-0"), "\(words)")
  }

  @Test func aTableShowsOnlyTheRunsOwnEvaluations() throws {
    let found = try experiment()
    for cell in found.cells { try run(cell, of: found, values: [("nelbo", 10)]) }
    let cell = try RunFolder(opening: CellFolder(found.cells[0], in: "\(folder.path)/\(found.name)").path)
    try makeFolder("\(cell.path)/evaluations")
    func keep(_ name: String, _ changes: String, _ value: Int, data: String = "null") throws {
      let text = """
        {"step": 24, "split": "test", "changes": {\(changes)}, "data_fingerprint": \(data), "code": "x",
        "evaluated": "2026-01-0\(value)T00:00:00Z", "scores": {"nelbo": \(value)}}
        """
      try cell.write(text, to: "evaluations/\(name).json")
    }
    try cell.write(#"{"\#(Provenance.dataKey)": "aaaa"}"#, to: "environment.json")
    try keep("what-if", #""dataset.seed": 5"#, 9)
    try keep("other-data", "", 8, data: #""bbbb""#)
    try keep("older", "", 2, data: #""aaaa""#)
    try keep("newer", "", 4, data: #""aaaa""#)
    let table = try ResultTable(found, base: folder.path)
    // 4, 10 and 10.
    #expect(table["small", "nelbo"].statistics.mean == 8)
    #expect(
      table.warnings.contains { $0.hasPrefix("small, seed 0: 2 evaluations under other settings or on other data") },
      "\(table.warnings)")
  }

  @Test func rowsAreComparedOverTheSeedsThatBothFinished() throws {
    let found = try experiment()
    let values: [(Double, Double)?] = [(10, 0.5), (12, 0.75), (14, 1), (20, 0.5), (25, 1), nil]
    for (cell, value) in zip(found.cells, values) {
      try run(cell, of: found, values: value.map { [("nelbo", $0.0), ("count_accuracy", $0.1)] })
    }
    let table = try ResultTable(found, base: folder.path)
    // Differences of 10 and 13: mean 11.5, deviation 3 / √2, t = 11.5 / 1.5 with one degree of freedom.
    let comparison = try table.comparison(of: "large", with: "small")
    #expect(
      comparison == """
        large - small   n  difference      95 % interval  paired t  p       Wilcoxon  p
        nelbo           2  +11.50 ± 2.12   -7.6 to 30.6   t = 7.67  0.0826  W = 0.0   0.5000
        count_accuracy  2  +0.125 ± 0.177  -1.46 to 1.71  t = 1.00  0.5000  W = 0.0   1.0000
        Two-sided, paired by seed, not corrected for several columns.

        """)
    #expect(throws: RunError.self) { try table.comparison(of: "large", with: "smal") }
  }

  @Test func aFolderThatWasDamagedByHandGivesNoNumber() throws {
    let found = try experiment()
    for cell in found.cells { try run(cell, of: found, values: [("nelbo", 10), ("count_accuracy", 1)]) }
    let place = "\(folder.path)/\(found.name)"
    try folder.write("model: [".utf8, to: "\(found.name)/small/seed-0/config.yaml")
    try folder.write("{ \"status\": \"finished\" }".utf8, to: "\(found.name)/small/seed-1/status.json")
    try folder.write("{ \"step\": 24, \"split\"".utf8, to: "\(found.name)/large/seed-2/evaluation-test-step-24.json")
    let table = try ResultTable(found, base: folder.path)
    #expect(table["small", "nelbo"].statistics.count == 1 && table["small", "nelbo"].unfinished == 2)
    // Its evaluation is to be made again.
    #expect(table["large", "nelbo"].statistics.count == 2 && table["large", "nelbo"].unfinished == 1)
    #expect(
      table.warnings.contains { $0.hasPrefix("small, seed 0, does not count: \(place)/small/seed-0/config.yaml") })
    #expect(table.warnings.contains { $0.hasPrefix("small, seed 1, does not count: status.json says no step") })
    #expect(
      table.csvOfSeeds.text.contains("small,0,damaged,,") || table.csvOfSeeds.text.contains("small,0,damaged,24,,"))
    let plan = try SweepPlan(found, base: folder.path)
    #expect(plan.status.hasPrefix("6 cells: 3 finished, 2 damaged, 1 to do\n"), "\(plan.status)")
    #expect(throws: RunError.self) { try plan.refuseForeign() }
  }

  @Test func theBestCheckpointIsAnotherOneThanTheLast() throws {
    let found = try experiment()
    for cell in found.cells {
      try run(cell, of: found, values: [("nelbo", 5)], best: (step: 16, values: [("nelbo", 3)]))
    }
    #expect(try ResultTable(found, base: folder.path)["small", "nelbo"].statistics.mean == 5)
    let best = try ResultTable(found, base: folder.path, selection: .best)
    #expect(best["small", "nelbo"].statistics.mean == 3)
    #expect(best.text(as: .markdown).contains("the checkpoint with the best nelbo on validation scenes"))
  }

  @Test func publishedValuesStandBesideOursWithTheDifference() throws {
    let found = try experiment(
      """
      paper:
        small: { nelbo: 13 +- 2, count_accuracy: 0.5 +- 0.01 }
        large: { nelbo: 15, comparable: false, reason: "another data set" }
      """)
    for cell in found.cells { try run(cell, of: found, values: [("nelbo", 12), ("count_accuracy", 0.75)]) }
    let table = try ResultTable(found, base: folder.path)
    let difference = try #require(table["small", "nelbo"].difference)
    #expect(difference.value == -1 && difference.isWithin == true)
    #expect(table["small", "count_accuracy"].difference?.isWithin == false)
    #expect(table["large", "nelbo"].difference == nil)
    let text = table.text(as: .text)
    #expect(text.contains("12 ± 0 (3) [paper 13.00 ± 2.00: -1.00, within]"), "\(text)")
    #expect(text.contains("[paper 0.5000 ± 0.0100: +0.2500, outside]"), "\(text)")
    #expect(text.contains("12 ± 0 (3) [paper 15]") && text.contains("not compared with the paper: another data set"))
    #expect(table.text(as: .latex).contains("12 $\\pm$ 0 (3)"))
    let csv = table.text(as: .csv).split(separator: "\n")
    #expect(csv[1].hasPrefix("small,12.0,0.0,3,13.0,2.0,-1.0,0.75,"))
  }

  @Test func aPublishedValueThatDoesNotCompareLeavesTheOthersOfItsRow() throws {
    let found = try experiment(
      """
      paper: { small: { nelbo: 13, count_accuracy: 0.5, comparable: { nelbo: false }, reason: "another scale" } }
      """)
    for cell in found.cells { try run(cell, of: found, values: [("nelbo", 12), ("count_accuracy", 0.75)]) }
    let table = try ResultTable(found, base: folder.path)
    #expect(table["small", "nelbo"].difference == nil && table["small", "nelbo"].published?.mean == 13)
    #expect(table["small", "count_accuracy"].difference?.value == 0.25)
    #expect(table.text(as: .text).contains("small: nelbo not compared with the paper: another scale."))
    for (comparable, words) in [
      ("{ miou: false }", "'miou' has no published value in this row (values: nelbo)"), ("3", "true or false"),
      ("{ nelbo: no }", "true or false"),
    ] {
      let fault = complaint {
        _ = try experiment("paper: { small: { nelbo: 13, comparable: \(comparable), reason: x } }")
      }
      #expect(fault.contains(words) && fault.contains("two.yaml:6:"), "\(fault)")
    }
  }

  @Test func otherCodeAndDamagedCellsAreWarnedOf() throws {
    let found = try experiment()
    for (index, cell) in found.cells.enumerated() {
      try run(cell, of: found, values: [("nelbo", 1)], commit: index < 3 ? "abc" : "def")
    }
    let place = CellFolder(found.cells[5], in: "\(folder.path)/\(found.name)").path
    try "training: [".write(toFile: "\(place)/config.yaml", atomically: true, encoding: .utf8)
    let table = try ResultTable(found, base: folder.path)
    #expect(table.warnings.contains { $0.hasPrefix("rows differ in the code that ran (large: def; small: abc)") })
    #expect(table.warnings.contains { $0.hasPrefix("large, seed 2, does not count: ") }, "\(table.warnings)")
    #expect(table["large", "nelbo"].statistics.count == 2)
  }

  @Test func unusableColumnsAndPublishedValuesAreNamedWithTheirPlace() {
    for (more, words) in [
      ("paper: { smal: { nelbo: 3 } }", "'paper' names 'smal', which is not a row; did you mean 'small'?"),
      (
        "paper: { small: { nelbow: 3 } }",
        "'nelbow' is not a column of this experiment (columns: nelbo, count_accuracy)"
      ),
      ("paper: { small: { nelbo: three } }", "must be a number, or a mean and a deviation"),
      ("paper: { small: { nelbo: 3 +- -1 } }", "must be a number, or a mean and a deviation"),
      ("paper: { small: { nelbo: 3, comparable: false } }", "is not comparable; say why"),
    ] {
      let found = complaint { _ = try experiment(more) }
      #expect(found.contains(words) && found.contains("two.yaml:6:"), "\(found)")
    }
    let column = complaint {
      _ = try Experiment(
        try folder.write("base: tiny.yaml\nrows: { a: {} }\ncolumns: [nelbow]\n".utf8, to: "column.yaml"))
    }
    #expect(column.contains("has 'nelbow', which no run measures; did you mean 'nelbo'?"), "\(column)")
  }
}
