import Configuration
import Testing

@testable import Experiments

struct ExperimentFileTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(tinyConfig.utf8, to: "tiny.yaml")
  }

  private func experiment(_ rows: String) throws -> String {
    try folder.write("title: Two\nbase: tiny.yaml\nseeds: [0, 1]\n\(rows)".utf8, to: "experiment.yaml")
  }

  @Test func rowsChangeTheBaseInTheirOrder() throws {
    let path = try experiment(
      "rows:\n  wide: { model: { controller: { hidden: 7 } } }\n  exact: { estimator: { name: marginal } }\n")
    let experiment = try Experiment(path)
    let (file, rows) = (experiment.file, experiment.cells.filter { $0.seed == 0 })
    #expect(file.title == "Two" && file.seeds == [0, 1] && rows.map(\.row) == ["wide", "exact"])
    let expected = [try tiny("model.controller.hidden=7"), try tiny("estimator={ name: marginal }")]
    #expect(rows.map { Runner.text(of: $0.config) } == expected.map(Runner.text))
  }

  @Test func overridesStandAboveARow() throws {
    let path = try experiment("rows:\n  wide: { model: { controller: { hidden: 7 } } }\n")
    let config = try Experiment.row(
      "wide", of: path, overrides: ["training.seed=4", "model.controller.hidden=8"])
    #expect(Runner.text(of: config.value) == Runner.text(of: try tiny("training.seed=4", "model.controller.hidden=8")))
  }

  @Test func aFaultInARowIsNamedWithItsPlace() throws {
    let path = try experiment("rows:\n  wide:\n    model: { controller: { hiden: 7 } }\n")
    let words = complaint { _ = try Experiment(path) }
    #expect(
      words.hasPrefix("\(path):6:28: unknown key 'hiden'") && words.contains("did you mean 'hidden'?"), "\(words)")
  }

  @Test func whatIsMissingIsNamed() throws {
    let path = try experiment("rows:\n  wide: { training: { seed: 1 } }\n")
    let unknown = complaint { _ = try Experiment.row("wdie", of: path, overrides: []) }
    #expect(unknown.contains("has no row 'wdie'") && unknown.contains("wide"))
    #expect(complaint { _ = try Experiment(try experiment("rows: {}\n")) }.contains("'rows' must hold rows"))
    let bare = try folder.write("rows: { a: {} }\n".utf8, to: "bare.yaml")
    #expect(complaint { _ = try Experiment(bare) }.contains("'base' is missing"))
    let lost = try folder.write("base: none.yaml\nrows: { a: {} }\n".utf8, to: "lost.yaml")
    #expect(complaint { _ = try Experiment(lost) }.contains("none.yaml"))
  }
}
