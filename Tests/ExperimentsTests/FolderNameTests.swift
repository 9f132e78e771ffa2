import Foundation
import Testing

@testable import Experiments

/// What the folders of runs are called depends on which file a config is.
struct FolderNameTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    // /tmp may be a link itself.
    for name in ["configs/air/deep", "experiments", "mine", "experiments/configs/a/experiments/b"] {
      try FileManager.default.createDirectory(
        atPath: "\(folder.path)/\(name)", withIntermediateDirectories: true)
    }
  }

  private func name(_ file: String) throws -> String {
    FolderName.of(file: try folder.write("".utf8, to: file))
  }

  @Test func theFoldersBelowConfigsAndExperimentsStandBeforeTheFile() throws {
    for (file, expected) in [
      ("tiny.yaml", "tiny"), ("mine/tiny.yaml", "tiny"), ("configs/tiny.yaml", "tiny"),
      ("configs/air/multi-mnist.yaml", "air-multi-mnist"), ("configs/air/deep/x.yaml", "air-deep-x"),
      ("experiments/table.yaml", "table"), ("experiments/configs/a/experiments/b/x.yaml", "b-x"),
      ("experiments/configs/a/x.yaml", "a-x"),
    ] {
      #expect(try name(file) == expected, "\(file)")
    }
  }

  @Test func everyFileGivesAVisibleFolder() throws {
    for (file, expected) in [
      (".hidden.yaml", "hidden"), ("-x.yaml", "x"), ("...yaml", "config"), ("-.yaml", "config"), (".yaml", "yaml"),
      ("a\u{1B}[31m\nb.yaml", "a_[31m_b"), ("a\u{202E}b.yaml", "a_b"), ("plain", "plain"), ("x.yml", "x"),
      ("x.txt", "x.txt"), ("a.b.yaml", "a.b"), ("ж é.yaml", "ж é"), (" x.yaml", "x"),
      (String(repeating: "é", count: 120) + ".yaml", String(repeating: "é", count: 100)),
    ] {
      #expect(try name(file) == expected, "\(file)")
    }
  }

  @Test func aLinkIsCalledAfterItsFile() throws {
    let file = try folder.write("".utf8, to: "configs/air/x.yaml")
    try FileManager.default.createSymbolicLink(atPath: "\(folder.path)/latest.yaml", withDestinationPath: file)
    #expect(FolderName.of(file: "\(folder.path)/latest.yaml") == "air-x")
  }

  @Test func whereAPathIsTypedAndHowDoesNotMatter() throws {
    try folder.write("base: tiny.yaml\nrows: { a: {} }\n".utf8, to: "mine/e.yaml")
    try folder.write(tinyConfig.utf8, to: "mine/tiny.yaml")
    for (path, place) in [
      ("e.yaml", "mine"), ("./e.yaml", "mine"), ("../mine/e.yaml", "configs"), ("../../mine/./e.yaml", "configs/air"),
      ("mine/e.yaml", "."), ("\(folder.path)/mine/e.yaml", "experiments"),
    ] {
      let outcome = try Program.run(["sweep", path, "--dry-run"], in: "\(folder.path)/\(place)")
      #expect(outcome.output == "runs/e/a/seed-0: to do, 24 steps\n", "\(path) \(outcome)")
    }
    let run = try Program.run(
      ["train", "./tiny.yaml", "training.steps=1", "--name", "first"], in: "\(folder.path)/mine")
    #expect(run.status == 0 && run.output.contains("run runs/tiny/first\n"), "\(run)")
    #expect(try Program.run(["runs"], in: "\(folder.path)/mine").output.contains("tiny/first"))
  }
}
