import Foundation
import Pictures
import TestKit
import Testing

@testable import Configuration
@testable import Experiments

/// The YAML files of the repository.
struct ConfigFileTests {
  static let configs = yamlFiles(below: "configs")
  static let experiments = yamlFiles(below: "experiments")

  /// The configs of a file: its own, or one for each row of an experiment (whose top level has `rows` or `base`).
  private static func read(_ path: String) throws -> [(row: String?, config: RunConfig)] {
    let file = "\(repository)/\(path)"
    let keys = try YAMLParser.parse(try SourceText.file(file, at: nil, hint: ""))?.entries?.map(\.key) ?? []
    guard keys.contains("rows") || keys.contains("base") else { return [(nil, try Runner.check(file, []))] }
    return try Experiment(file).cells.filter { $0.seed == 0 }.map { ($0.row, $0.config) }
  }

  /// Whether any config of a file reads downloaded data. A file that does not load counts as one that needs none.
  static func needsFiles(_ path: String) -> Bool {
    let entries = (try? DataListing.entries(dataFolder: "/dev/null")) ?? []
    let sources = dataSources.map(\.name)
    let downloaded = Set(entries.filter { $0.needs.map(sources.contains) ?? false }.map(\.name))
    return (try? read(path))?.contains { downloaded.contains($0.config.dataset.name) } ?? false
  }

  /// Whether a file is about the user's own images.
  static func needsOwnImages(_ path: String) -> Bool { names(path, "images") }

  /// Whether a file is about the user's own files of CASIA-HWDB.
  static func needsCASIA(_ path: String) -> Bool { names(path, "casia-gnt") }

  private static func names(_ path: String, _ dataset: String) -> Bool {
    (try? read(path))?.contains { $0.config.dataset.name == dataset } ?? false
  }

  @Test func thereAreConfigsOfGeneratedAndOfDownloadedScenes() {
    #expect(Set(Self.configs.map(Self.needsFiles)) == [true, false])
  }

  @Test(arguments: configs) func everyConfigLoadsAndIsWrittenAsItWasRead(_ path: String) throws {
    let text = Runner.text(of: try Runner.check("\(repository)/\(path)", []))
    let again = try ConfigurationFile.load(RunConfig.self, text: text, name: path).value
    #expect(Runner.text(of: again) == text)
  }

  @Test(arguments: (configs + experiments).filter { !needsFiles($0) && !needsOwnImages($0) && !needsCASIA($0) })
  func filesOfGeneratedScenesTrain(_ path: String) throws {
    for (row, config) in try Self.read(path) { try train(path, row, dataFolder: "/dev/null", sizes: fewScenes(config)) }
  }

  // These read digits that cannot be part of the repository: `airframe data fetch mnist` gets them.
  @Test(
    .enabled(if: dataFolder != nil, "set AIRFRAME_DATA to the folder with mnist/ to train the configs of digits"),
    arguments: (configs + experiments).filter(needsFiles))
  func filesOfDownloadedScenesTrain(_ path: String) throws {
    for (row, config) in try Self.read(path) {
      try train(path, row, dataFolder: try #require(dataFolder), sizes: fewScenes(config))
    }
  }

  @Test(arguments: configs.filter(needsOwnImages)) func filesOfOwnImagesTrain(_ path: String) throws {
    let folder = try TemporaryFolder()
    for index in 0..<40 {
      let picture = Picture(width: 20, height: 16, channels: 1, fill: UInt8(index))
      try folder.write(picture.png(), to: "\(index).png")
    }
    try train(path, nil, dataFolder: "/dev/null", sizes: ["dataset.path=\(folder.path)"])
  }

  @Test(arguments: configs.filter(needsCASIA)) func filesOfCASIATrain(_ path: String) throws {
    let folder = try TemporaryFolder()
    let records = (0..<40).flatMap { image in
      gntRecord([0xB0, UInt8(0xA1 + image % 2)], height: 9, width: 8, (0..<72).map { UInt8(($0 * image) % 256) })
    }
    try folder.write(records, to: "a.gnt")
    try train(path, nil, dataFolder: "/dev/null", sizes: ["dataset.folder=\(folder.path)"])
  }

  /// What makes the splits of a dataset small.
  private func fewScenes(_ config: RunConfig) -> [String] {
    config.dataset.name == "hanzi"
      ? ["dataset.characters=明林", "dataset.samples=10"] : ["dataset.validation_size=8", "dataset.test_size=8"]
  }

  /// Three steps of a config with small batches, an evaluation of a few scenes, and all that a run leaves.
  private func train(
    _ path: String, _ row: String?, dataFolder: String, sizes: [String]
  ) throws {
    let folder = try TemporaryFolder()
    let outcome = try Runner.train(
      config: "\(repository)/\(path)", row: row,
      overrides: [
        "training.steps=3", "training.batch=4", "training.threads=1", "training.log_every=1", "evaluation.batch=8",
      ] + sizes,
      base: folder.path, name: "short", dataFolder: dataFolder)
    #expect(outcome.validation.scores.count > 3 && outcome.validation.scores.allSatisfy { $0.value.isFinite })
    let lines = try metricLines(outcome.folder)
    #expect(lines.map { $0["step"] } == [1, 2, 3, 3] && lines.last?["split"] == "validation")
    #expect(lines.dropLast().allSatisfy { $0["objective_loss"]?.double?.isFinite == true })
    #expect(try RunFolder(opening: outcome.folder).checkpoints.map(\.step) == [3])
    #expect(outcome.picture.map { FileManager.default.fileExists(atPath: $0) } == true)
  }

  @Test(arguments: experiments) func everyExperimentLoadsWithEveryRow(_ path: String) throws {
    let configs = try Self.read(path)
    #expect(!configs.isEmpty && Set(configs.map(\.row)).count == configs.count)
    guard configs[0].row != nil else { return }
    let file = try Experiment("\(repository)/\(path)").file
    #expect(!file.title.isEmpty && !file.columns.isEmpty && !file.seeds.isEmpty)
    #expect(Set(configs.map { Runner.text(of: $0.config) }).count == configs.count, "two rows are the same")
  }
}
