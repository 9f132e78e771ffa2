import Configuration
import Foundation
import Pictures
import Testing

@testable import Experiments

/// What runs, sweeps and tables make of the user's own images when these move or change.
struct DataIdentityTests {
  private let folder: TemporaryFolder
  private let config: String

  /// Two folders: the config says where its images lie as seen from itself.
  init() throws {
    folder = try TemporaryFolder()
    try makeFolder("\(folder.path)/configs/photos")
    try Self.writeImages(shade: 3, in: folder)
    config = try folder.write(
      (tinyConfig.replacing(/(?s)dataset:.*estimator:/) { _ in
        "dataset: { name: images, path: ../../photos.npz }\nestimator:"
      })
      .utf8, to: "configs/photos/own.yaml")
  }

  private func writeImages(shade: Int) throws { try Self.writeImages(shade: shade, in: folder) }

  private static func writeImages(shade: Int, in folder: TemporaryFolder) throws {
    let pixels = (0..<40 * 256).map { UInt8(($0 * shade + $0 / 256) % 251) }
    try folder.write(NPZ.bytes([("images", NPY(shape: [40, 16, 16], .uint8(pixels)))]), to: "photos.npz")
  }

  private func train(_ overrides: String...) throws -> String {
    try Runner.train(
      config: config, overrides: ["training.steps=8"] + overrides, base: "\(folder.path)/runs", name: nil,
      dataFolder: "/dev/null"
    ).folder
  }

  private func files(of run: String) throws -> [String: Data] {
    let names = FileManager.default.enumerator(atPath: run)?.compactMap { $0 as? String } ?? []
    return Dictionary(
      uniqueKeysWithValues: names.map { ($0, FileManager.default.contents(atPath: "\(run)/\($0)") ?? Data()) })
  }

  @Test func aPathIsSeenFromTheFileThatSaysIt() throws {
    let run = try train()
    let own = try RunFolder(opening: run).config()
    let path = try JSON(parsing: JSON(encodeSection(own)).line.utf8)["dataset"]?["path"]?.string
    let real = URL(fileURLWithPath: folder.path).resolvingSymlinksInPath().path
    #expect(path == "\(real)/photos.npz")
    // The run's own config is one that trains from anywhere.
    let again = try Runner.train(
      config: "\(run)/config.yaml", overrides: [], base: "\(folder.path)/again", name: "x", dataFolder: "/dev/null")
    #expect(try metricLines(again.folder) == metricLines(run))
  }

  @Test func aRunGoesOnWhereItsDataHasMovedAndNotOnOtherData() throws {
    let run = try train()
    try FileManager.default.moveItem(atPath: "\(folder.path)/photos.npz", toPath: "\(folder.path)/moved.npz")
    func resume(_ path: String) throws {
      _ = try Runner.resume(
        run: run, overrides: ["training.steps=16", "dataset.path=\(path)"], dataFolder: "/dev/null")
    }
    try writeImages(shade: 5)
    let before = try files(of: run)
    let words = complaint { try resume("\(folder.path)/photos.npz") }
    #expect(words.contains("was trained on other data") && words.contains("fingerprint"), "\(words)")
    #expect(try files(of: run) == before, "a refused resume changes nothing")
    try resume("\(folder.path)/moved.npz")
    #expect(try metricLines(run).last?["step"] == 16)
  }

  @Test func anEvaluationOnOtherDataIsNotTheRunsOwn() throws {
    let run = try train()
    try writeImages(shade: 5)
    let found = try Runner.evaluate(run: run, split: .test, step: nil, overrides: [], dataFolder: "/dev/null")
    #expect(!found.evaluation.isOwn && found.evaluation.changes.isEmpty)
  }

  /// An experiment with two rows and a seed, of which every cell was trained.
  private func sweep() throws -> Experiment {
    let path = try folder.write(
      "base: configs/photos/own.yaml\nseeds: [0]\nrows: { a: { training.batch: 2 }, b: { training.batch: 3 } }\n".utf8,
      to: "own.yaml")
    let found = try Experiment(path, overrides: ["training.steps=8"])
    for place in try SweepPlan(found, base: "\(folder.path)/runs").places {
      try makeFolder("\(folder.path)/cells")
      let file = try folder.write(Runner.text(of: place.cell.cell.config).utf8, to: "cells/\(place.cell.cell.row).yaml")
      try Runner.runCell(config: file, folder: place.cell.path, dataFolder: "/dev/null")
    }
    return found
  }

  @Test func aCellWhoseKeysTheDataFilledInIsFinished() throws {
    let found = try sweep()
    let plan = try SweepPlan(found, base: "\(folder.path)/runs", dataFolder: "/dev/null")
    #expect(plan.places.map(\.state) == [.finished, .finished])
    #expect(try ResultTable(found, base: "\(folder.path)/runs")["a", "nelbo"].statistics.count == 1)
    // Another height than the one that was found is another config.
    let other = try Experiment(found.path, overrides: ["training.steps=8", "dataset.height=12"])
    let states = try SweepPlan(other, base: "\(folder.path)/runs").places.map(\.state)
    #expect(
      states.allSatisfy { if case .foreign(let reason) = $0 { reason.contains("dataset.height") } else { false } })
    // The same one, said by hand, is the same config.
    let same = try Experiment(
      found.path, overrides: ["training.steps=8", "dataset.height=16", "dataset.channels=gray"])
    #expect(try SweepPlan(same, base: "\(folder.path)/runs").places.map(\.state) == [.finished, .finished])
  }

  @Test func aSweepDoesNotGoOnOverOtherData() throws {
    let found = try sweep()
    try writeImages(shade: 5)
    let plan = try SweepPlan(found, base: "\(folder.path)/runs", dataFolder: "/dev/null")
    let words = complaint { try plan.refuseForeign() }
    #expect(words.contains("a/seed-0: was trained on other data than dataset images holds now"), "\(words)")
    // A table needs no data: it shows what was trained.
    #expect(try ResultTable(found, base: "\(folder.path)/runs")["a", "nelbo"].statistics.count == 1)
  }
}
