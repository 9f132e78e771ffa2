import Foundation
import Testing

@testable import Configuration
@testable import Experiments

/// The YAML files of the repository.
struct ConfigFileTests {
  static let configs = yamlFiles(below: "configs")
  static let experiments = yamlFiles(below: "experiments")

  /// Whether a config's dataset reads downloaded files. One that does not load counts as one that needs none.
  static func needsFiles(_ path: String) -> Bool {
    guard let config = try? Runner.check("\(repository)/\(path)", []) else { return false }
    let entries = (try? DataListing.entries(dataFolder: "/dev/null")) ?? []
    return entries.contains { $0.name == config.dataset.name && $0.needs != nil }
  }

  @Test func thereAreConfigsOfGeneratedAndOfDownloadedScenes() {
    #expect(Set(Self.configs.map(Self.needsFiles)) == [true, false])
  }

  @Test(arguments: configs) func everyConfigLoadsAndIsWrittenAsItWasRead(_ path: String) throws {
    let text = Runner.text(of: try Runner.check("\(repository)/\(path)", []))
    let again = try ConfigurationFile.load(RunConfig.self, text: text, name: path).value
    #expect(Runner.text(of: again) == text)
  }

  @Test(arguments: configs.filter { !needsFiles($0) })
  func configsOfGeneratedScenesTrain(_ path: String) throws {
    try train(path, dataFolder: "/dev/null")
  }

  // These configs read digits that cannot be part of the repository: `airframe data fetch mnist` gets them.
  @Test(
    .enabled(if: dataFolder != nil, "set AIRFRAME_DATA to the folder with mnist/ to train the configs of digits"),
    arguments: configs.filter(needsFiles))
  func configsOfDownloadedScenesTrain(_ path: String) throws {
    try train(path, dataFolder: try #require(dataFolder))
  }

  /// Three steps of a config with small batches, an evaluation of a few scenes, and all that a run leaves.
  private func train(_ path: String, dataFolder: String) throws {
    let folder = try TemporaryFolder()
    let outcome = try Runner.train(
      config: "\(repository)/\(path)",
      overrides: [
        "training.steps=3", "training.batch=4", "training.threads=1", "training.log_every=1", "evaluation.batch=8",
        "dataset.validation_size=8", "dataset.test_size=8",
      ],
      base: folder.path, name: "short", dataFolder: dataFolder)
    #expect(outcome.validation.scores.count > 3 && outcome.validation.scores.allSatisfy { $0.value.isFinite })
    let lines = try metricLines(outcome.folder)
    #expect(lines.map { $0["step"] } == [1, 2, 3, 3] && lines.last?["split"] == "validation")
    #expect(lines.dropLast().allSatisfy { $0["objective_loss"]?.double?.isFinite == true })
    #expect(try RunFolder(opening: outcome.folder).checkpoints.map(\.step) == [3])
    #expect(outcome.picture.map { FileManager.default.fileExists(atPath: $0) } == true)
  }

  @Test(arguments: experiments) func everyExperimentLoadsWithEveryRow(_ path: String) throws {
    let file = "\(repository)/\(path)"
    let keys = try YAMLParser.parse(try SourceText.file(file, at: nil, hint: ""))?.entries?.map(\.key) ?? []
    guard keys.contains("rows") || keys.contains("base") else {
      _ = try Runner.check(file, [])
      return
    }
    let experiment = try ExperimentFile.load(file)
    #expect(!experiment.rows.isEmpty && !experiment.file.columns.isEmpty && !experiment.file.seeds.isEmpty)
    #expect(Set(experiment.rows.map(\.name)).count == experiment.rows.count)
  }
}
