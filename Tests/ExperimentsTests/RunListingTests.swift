import Configuration
import Foundation
import Testing

@testable import Experiments

/// Folders as trainings leave them, written by hand.
private final class RunTree {
  let folder: TemporaryFolder
  var path: String { folder.path }

  init() throws { folder = try TemporaryFolder() }

  func write(_ text: String, to name: String) throws {
    let file = URL(fileURLWithPath: "\(path)/\(name)")
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }

  /// A finished run with a seed and its final count accuracy.
  func finish(_ run: String, seed: Int, accuracy: Double, model: String = "air") throws {
    try write("model:\n  name: \(model)\ntraining:\n  seed: \(seed)\n  rate: 1e-3\n", to: "\(run)/config.yaml")
    try write(#"{"status": "finished", "step": 200, "steps": 200, "reason": null}"#, to: "\(run)/status.json")
    try write(
      #"{"steps": 200, "final": {"nelbo": -4.5, "count_accuracy": \#(accuracy)}, "best": {"metric": "nelbo", "step": 100}, "#
        + #""training_seconds": 12.5}"#, to: "\(run)/summary.json")
  }

  func listing(_ conditions: String..., sort: String? = nil) throws -> [String] {
    var listing = try RunListing(below: path)
    try listing.keep(conditions)
    if let sort { try listing.sort(by: sort) }
    return listing.runs.map(\.name)
  }
}

struct RunListingTests {
  private let tree: RunTree

  init() throws {
    tree = try RunTree()
    try tree.finish("air/seed-2", seed: 2, accuracy: 0.5)
    try tree.finish("air/seed-10", seed: 10, accuracy: 0.9)
    try tree.finish("dair/deep/seed-0", seed: 0, accuracy: 0.7, model: "dair")
  }

  @Test func runsAtAnyDepthAreListedByNameWithNumbersInOrder() throws {
    #expect(try tree.listing() == ["air/seed-2", "air/seed-10", "dair/deep/seed-0"])
    let one = try RunListing(below: "\(tree.path)/air/seed-2/").runs
    #expect(one.map(\.name) == ["seed-2"])
  }

  @Test func aRunSaysWhatItsFilesSay() throws {
    try tree.write(#"{"step": 150, "split": "test", "nelbo": -4, "miou": 0.25}"#, to: "air/seed-2/evaluation.json")
    let run = RunRecord(reading: "\(tree.path)/air/seed-2", as: "x")
    #expect(run.problems.isEmpty)
    for (key, value) in [
      ("run", "x"), ("status", "finished"), ("step", 200), ("training.seed", 2), ("model.name", "air"),
      ("training.rate", 0.001), ("nelbo", -4.5), ("count_accuracy", 0.5), ("best.step", 100),
      ("training_seconds", 12.5), ("test.nelbo", -4), ("test.miou", 0.25),
    ] as [(String, JSON)] {
      #expect(run[key] == value, "\(key)")
    }
    #expect(run["reason"] == nil && run["test.step"] == nil && run["steps"] == nil)
  }

  @Test func conditionsChooseByTextAndByNumber() throws {
    #expect(try tree.listing("model.name=dair") == ["dair/deep/seed-0"])
    #expect(try tree.listing("training.rate=0.001", "training.seed=2") == ["air/seed-2"])
    #expect(try tree.listing("training.seed=2", "training.seed=1e1") == ["air/seed-2", "air/seed-10"])
    #expect(try tree.listing("count_accuracy=0.70") == ["dair/deep/seed-0"])
    #expect(try tree.listing("status=failed").isEmpty)
  }

  @Test func runsAreOrderedByAnyValueAndThoseWithoutItComeLast() throws {
    try tree.write("model: { name: air }", to: "bare/config.yaml")
    #expect(
      try tree.listing(sort: "count_accuracy") == ["air/seed-2", "dair/deep/seed-0", "air/seed-10", "bare"])
    #expect(
      try tree.listing(sort: "-count_accuracy") == ["air/seed-10", "dair/deep/seed-0", "air/seed-2", "bare"])
    #expect(try tree.listing(sort: "-training.seed") == ["air/seed-10", "air/seed-2", "dair/deep/seed-0", "bare"])
    #expect(try tree.listing(sort: "-model.name") == ["dair/deep/seed-0", "air/seed-2", "air/seed-10", "bare"])
  }

  @Test func anUnknownKeyIsNamedWithTheNearest() throws {
    for work in [
      { _ = try self.tree.listing("modle.name=air") }, { _ = try self.tree.listing(sort: "-modle.name") },
      { _ = try RunListing(below: self.tree.path).columns("run,modle.name") },
    ] {
      #expect(complaint(of: work).contains("'modle.name'; did you mean 'model.name'?"))
    }
  }

  @Test func aRunThatNobodyHoldsWasKilled() throws {
    try tree.write("training: { seed: 0 }", to: "killed/config.yaml")
    try tree.write(#"{"status": "running", "step": 7}"#, to: "killed/status.json")
    try tree.write("", to: "killed/lock")
    func status() -> JSON? { RunRecord(reading: "\(tree.path)/killed", as: "").values("status", "step").first ?? nil }
    #expect(status() == "killed")
    // As a training holds it.
    let file = open("\(tree.path)/killed/lock", O_RDWR)
    defer { close(file) }
    var lock = flock(
      l_type: Int16(F_WRLCK), l_whence: Int16(SEEK_SET), l_start: 0, l_len: 0, l_pid: 0)
    #expect(fcntl(file, 37, &lock) == 0)
    #expect(status() == "running")
    try FileManager.default.removeItem(atPath: "\(tree.path)/killed/lock")
    #expect(status() == "killed" && !FileManager.default.fileExists(atPath: "\(tree.path)/killed/lock"))
  }

  @Test func withoutASummaryTheLastValidationCounts() throws {
    try tree.write("training: { seed: 0 }", to: "young/config.yaml")
    let early = #"{"step": 10, "split": "validation", "nelbo": 5}"# + "\n"
    let filler = String(repeating: #"{"step": 11, "objective_loss": 1.25}"# + "\n", count: 4000)
    let late = #"{"step": 20, "split": "validation", "nelbo": 3}"# + "\n" + #"{"step": 21, "obj"#
    try tree.write(early + filler + late, to: "young/metrics.jsonl")
    let run = RunRecord(reading: "\(tree.path)/young", as: "young")
    #expect(run["nelbo"] == 3 && run["step"] == 20 && run["status"] == "unknown" && run.problems.isEmpty)
  }

  @Test func brokenFoldersAreListedWithWhatIsWrong() throws {
    try tree.write("model: [", to: "broken/yaml/config.yaml")
    try tree.write("model: { name: air }", to: "broken/json/config.yaml")
    try tree.write(#"{"status": "#, to: "broken/json/status.json")
    try tree.write("[1]", to: "broken/json/summary.json")
    try tree.write("", to: "broken/half/metrics.jsonl")
    try tree.write("just text", to: "broken/text/config.yaml")
    let listing = try RunListing(below: tree.path)
    #expect(
      listing.runs.map(\.name).filter { $0.hasPrefix("broken") } == [
        "broken/half", "broken/json", "broken/text", "broken/yaml",
      ])
    for problem in [
      "broken/yaml/config.yaml:2:1: broken YAML", "broken/json/status.json: is not JSON: ",
      "broken/json/summary.json: is not a JSON object", "cannot read '\(tree.path)/broken/half/config.yaml'",
      "broken/text/config.yaml:1:1: ",
    ] {
      #expect(listing.problems.contains { $0.contains(problem) }, "\(problem) in \(listing.problems)")
    }
    let run = try #require(listing.runs.first { $0.name == "broken/json" })
    #expect(run["model.name"] == "air" && run["status"] == "unknown")
  }

  @Test func linksLeadToRunsButNotInCircles() throws {
    try FileManager.default.createSymbolicLink(atPath: "\(tree.path)/air/back", withDestinationPath: tree.path)
    let other = try RunTree()
    try other.finish("elsewhere", seed: 3, accuracy: 0.1)
    try FileManager.default.createSymbolicLink(atPath: "\(tree.path)/linked", withDestinationPath: other.path)
    #expect(try tree.listing().last == "linked/elsewhere" && tree.listing().count == 4)
  }

  @Test func aFolderThatIsNotThereIsNamed() throws {
    #expect(complaint { _ = try RunListing(below: "\(tree.path)/no") }.hasPrefix("\(tree.path)/no: No such file"))
    let file = try tree.folder.write("x".utf8, to: "file")
    #expect(complaint { _ = try RunListing(below: file) }.contains("is not a folder"))
    let empty = try RunTree()
    #expect(try RunListing(below: empty.path).runs.isEmpty)
  }

  @Test func listsAreTablesCSVAndJSON() throws {
    try tree.write("name: \"a,\\\"b\\\"\"\n", to: "odd/config.yaml")
    let listing = try RunListing(below: tree.path)
    let columns = ["run", "training.seed", "count_accuracy", "name"]
    #expect(
      listing.text(columns, as: .text) == """
        run               training.seed  count_accuracy  name
        air/seed-2                    2          0.5000  -
        air/seed-10                  10          0.9000  -
        dair/deep/seed-0              0          0.7000  -
        odd                           -               -  a,"b"

        """)
    #expect(
      listing.text(columns, as: .csv) == """
        run,training.seed,count_accuracy,name
        air/seed-2,2,0.5,
        air/seed-10,10,0.9,
        dair/deep/seed-0,0,0.7,
        odd,,,"a,""b\"\"\"

        """)
    let json = try JSONSerialization.jsonObject(with: Data(listing.text(columns, as: .json).utf8)) as? [[String: Any]]
    #expect(json?.map { $0["run"] as? String } == listing.runs.map(\.name))
    #expect(json?.first?["count_accuracy"] as? Double == 0.5 && json?.last?["training.seed"] is NSNull)
  }

  @Test func columnsAreTheUsualOnesAndThoseAskedFor() throws {
    let listing = try RunListing(below: tree.path)
    #expect(
      try listing.columns(nil, conditions: ["training.rate=1"], order: "-best.step") == [
        "run", "status", "step", "model.name", "training.seed", "nelbo", "count_accuracy", "best.step", "training.rate",
      ])
    #expect(try listing.columns("run, nelbo") == ["run", "nelbo"])
    #expect(try listing.columns("all").contains("training.rate"))
  }

  @Test func aThousandRunsAreListed() throws {
    let config = Runner.text(of: try tiny())
    for index in 0..<1000 {
      try tree.finish("many/seed-\(index)", seed: index, accuracy: Double(index) / 1000)
      try tree.write(config, to: "many/seed-\(index)/config.yaml")
    }
    #expect(try tree.listing("status=finished", sort: "-count_accuracy").first == "many/seed-999")
  }
}

extension RunRecord {
  fileprivate func values(_ names: String...) -> [JSON?] { names.map { self[$0] } }
}

struct RunDifferenceTests {
  private let tree: RunTree
  private var paths: [String] { ["left", "right"].map { "\(tree.path)/\($0)" } }

  init() throws {
    tree = try RunTree()
    try tree.finish("left", seed: 1, accuracy: 0.5)
    try tree.finish("right", seed: 2, accuracy: 0.75, model: "dair")
    try tree.write(#"{"started": "1", "cpu": "A", "threads": 2, "resumed": []}"#, to: "left/environment.json")
    try tree.write(#"{"started": "2", "cpu": "B", "threads": 2, "git_dirty": true}"#, to: "right/environment.json")
    try tree.write(#"{"step": 200, "split": "test", "miou": 0.25}"#, to: "right/evaluation.json")
  }

  @Test func whatDiffersIsShownWithBothValues() throws {
    let difference = try RunDifference(paths[0], paths[1])
    #expect(
      difference.config == [
        .init(key: "model.name", left: "air", right: "dair"), .init(key: "training.seed", left: 1, right: 2),
      ])
    #expect(
      difference.environment == [
        .init(key: "cpu", left: "A", right: "B"), .init(key: "git_dirty", left: nil, right: true),
      ])
    #expect(difference.results.first { $0.key == "count_accuracy" }?.difference == 0.25)
    #expect(difference.results.first { $0.key == "test.miou" } == .init(key: "test.miou", left: nil, right: 0.25))
    let text = difference.text
    #expect(
      text.hasPrefix("config         left  right\nmodel.name     air   dair\ntraining.seed  1     2\n\n"), "\(text)")
    #expect(text.contains("\ncount_accuracy      0.5000    0.7500      0.2500\n"), "\(text)")
  }

  @Test func theSameRunHasNoDifferences() throws {
    let text = try RunDifference(paths[0], paths[0] + "/").text
    #expect(text.hasPrefix("config: no differences\n\nenvironment: no differences\n\nresults"))
  }

  @Test func differencesAreWrittenAsJSON() throws {
    let text = try RunDifference(paths[0], paths[1]).json
    let json = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect((json["config"] as? [String: [Any]])?["training.seed"] as? [Int] == [1, 2])
    #expect(json["runs"] as? [String] == paths)
  }

  @Test func aFolderWithoutARunIsNamed() {
    #expect(complaint { _ = try RunDifference(tree.path, paths[0]) }.hasPrefix("\(tree.path): there is no run here"))
  }
}
