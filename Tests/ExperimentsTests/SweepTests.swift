import Configuration
import Foundation
import Pictures
import Testing

@testable import Experiments

/// Sweeps as processes of their own, with those of their cells.
@Suite(.serialized) struct SweepTests {
  private let folder: TemporaryFolder
  private let experiment: String

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(tinyConfig.utf8, to: "tiny.yaml")
    experiment = try folder.write(
      """
      base: tiny.yaml
      seeds: [0, 1, 2]
      rows:
        product:
          - { training.batch: [2, 4], estimator.name: [nvil, marginal] }
          - { small: {}, large: { model: { controller: { hidden: 48 } } } }
      budgets: { long: { training: { steps: 120, checkpoint_every: 10, log_every: 5 } } }

      """.utf8, to: "cells.yaml")
  }

  private func sweep(_ words: String..., to out: String = "runs") throws -> Program.Outcome {
    try Program.run(["sweep", experiment, "--out", "\(folder.path)/\(out)"] + words, in: folder.path)
  }

  private func cells(_ out: String = "runs") throws -> [CellFolder] {
    let found = try Experiment(experiment, budget: "long")
    return found.cells.map { CellFolder($0, in: "\(folder.path)/\(out)/\(found.name)") }
  }

  /// Cells' processes below this test's folder.
  private func workers() -> [pid_t] {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return entries.compactMap { pid_t($0) }.filter { process in
      let words = FileManager.default.contents(atPath: "/proc/\(process)/cmdline").map {
        String(decoding: $0, as: UTF8.self)
      }
      return words.map { $0.contains("run-cell") && $0.contains(folder.path) } ?? false
    }
  }

  /// What a cell's folder holds that does not depend on when it was made.
  private func contents(_ path: String) throws -> [String: Data] {
    let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
    let times = ["timing.jsonl", "environment.json", "summary.json", "log.txt"]
    var files: [String: Data] = [:]
    for name in names where name.contains(".") && !times.contains(name) {
      // When it was measured stands in it.
      if name.hasPrefix("evaluations/") {
        files[name] = try JSON(parsing: readFile("\(path)/\(name)"))["scores"].map { Data($0.line.utf8) }
        continue
      }
      files[name.hasPrefix("events.") ? "events" : name] = try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)"))
    }
    return files
  }

  @Test func killedAgainAndAgainASweepEndsWithTheSameBitsAndNothingRunsTwice() throws {
    let undisturbed = try sweep("--budget", "long", "--jobs", "2", to: "whole")
    #expect(undisturbed.status == 0, "\(undisturbed.messages)")
    var finished: [String: Date] = [:]
    var moments = Moments("kills of a sweep")
    for kill in 0..<10 {
      let program = try Program(
        ["sweep", experiment, "--out", "\(folder.path)/runs", "--budget", "long", "--jobs", "2"], in: folder.path)
      usleep(.random(in: 50_000...400_000, using: &moments))
      // Every other time the cells' processes end by themselves, and the next sweep may meet them at work.
      let doomed = kill % 2 == 0 ? workers() : []
      program.send(SIGKILL)
      for worker in doomed { Foundation.kill(worker, SIGKILL) }
      _ = try program.finish()
      for cell in try cells() where cell.state == .finished && finished[cell.path] == nil {
        finished[cell.path] =
          try FileManager.default.attributesOfItem(atPath: "\(cell.path)/summary.json")[.modificationDate] as? Date
      }
    }
    let last = try sweep("--budget", "long", "--jobs", "2")
    #expect(last.status == 0, "\(last.messages)")
    #expect(try cells().count == 24 && cells().allSatisfy { $0.state == .finished })
    for (path, date) in finished {
      let found = try FileManager.default.attributesOfItem(atPath: "\(path)/summary.json")[.modificationDate] as? Date
      #expect(found == date, "\(path) ran again after it had finished")
    }
    for (own, other) in zip(try cells(), try cells("whole")) {
      let (left, right) = (try contents(own.path), try contents(other.path))
      #expect(left.keys.sorted() == right.keys.sorted())
      for (name, bytes) in right { #expect(left[name] == bytes, "\(own.path)/\(name)") }
    }
    print("\(finished.count) of 24 cells had finished before the last start")
  }

  @Test func aCellThatWasKilledWhileItWroteItsEvaluationLeavesNothingBehind() throws {
    let path = try folder.write("base: tiny.yaml\nrows: { calm: {} }\n".utf8, to: "one.yaml")
    let cell = "\(try Experiment(path).name)/calm/seed-0"
    func evaluations() throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/\(cell)/evaluations").sorted()
    }
    func run() throws -> Int32 { try Program.run(["sweep", path, "--out", folder.path], in: folder.path).status }
    #expect(try run() == 0)
    let whole = try evaluations()
    #expect(!whole.isEmpty)
    for name in whole { try FileManager.default.removeItem(atPath: "\(folder.path)/\(cell)/evaluations/\(name)") }
    try folder.write([1], to: "\(cell)/evaluations/.tmp-7-x")
    #expect(try run() == 0)
    #expect(try evaluations() == whole)
  }

  @Test func aFailedCellIsToldWithItsLogAndStopsNoOther() throws {
    let path = try folder.write(
      """
      base: tiny.yaml
      rows:
        wild: { training: { optimizer: { name: sgd, rate: 10 } , steps: 100 }, model: { controller: { presence_bias: 10 } } }
        calm: {}
      """.utf8, to: "failing.yaml")
    func run(_ words: String...) throws -> Program.Outcome {
      try Program.run(["sweep", path, "--out", folder.path, "--jobs", "1"] + words, in: folder.path)
    }
    let outcome = try run()
    #expect(outcome.status == 1 && outcome.messages.contains("1 cell failed"), "\(outcome.messages)")
    #expect(outcome.messages.contains("wild/seed-0: step ") && outcome.messages.contains("so training cannot go on"))
    let place = "\(folder.path)/\(try Experiment(path).name)"
    #expect(outcome.messages.contains("log: \(place)/wild/seed-0/log.txt"))
    #expect(try RunFolder(opening: "\(place)/calm/seed-0").json("status.json")?["status"] == "finished")
    let plan = try run("--dry-run")
    #expect(plan.status == 0 && plan.output.contains("wild/seed-0: failed: step "))
    #expect(plan.output.contains("calm/seed-0: finished"))
    // It stays as it is until it is asked for.
    let again = try run()
    #expect(again.status == 1 && !again.messages.contains("started"))
    let retried = try run("--retry-failed")
    #expect(retried.status == 1 && retried.messages.contains("started  wild/seed-0"))
  }

  @Test func failFastLeavesTheRest() throws {
    let path = try folder.write(
      """
      base: tiny.yaml
      rows:
        wild: { training: { optimizer: { name: sgd, rate: 10 } , steps: 100 }, model: { controller: { presence_bias: 10 } } }
        calm: {}
      """.utf8, to: "failing.yaml")
    let outcome = try Program.run(
      ["sweep", path, "--out", folder.path, "--jobs", "1", "--fail-fast"], in: folder.path)
    #expect(outcome.status == 1 && !outcome.messages.contains("started  calm"), "\(outcome.messages)")
  }

  @Test func anotherConfigInACellsFolderIsNeverPassedOffAsThisOne() throws {
    #expect(try sweep("--only", "batch-2-nvil-small").status == 0)
    let other = try sweep("--only", "batch-2-nvil-small", "training.clip_norm=3")
    #expect(other.status == 2 && other.messages.contains("was made with training.clip_norm 0"), "\(other.messages)")
    #expect(other.messages.contains("move such a folder away"))
    // More steps go on.
    let more = try sweep("--only", "batch-2-nvil-small", "training.steps=32")
    #expect(more.status == 0 && more.messages.contains("started"))
    let fewer = try sweep("--only", "batch-2-nvil-small", "training.steps=8")
    #expect(fewer.status == 2 && fewer.messages.contains("was trained for 32 steps"))
  }

  @Test func aSweepThatIsAskedToStopSavesItsCellsAndGoesOn() throws {
    let program = try Program(
      ["sweep", experiment, "--out", "\(folder.path)/runs", "--jobs", "2", "training.steps=100000"], in: folder.path)
    func begun() throws -> [CellFolder] {
      try cells().filter { FileManager.default.fileExists(atPath: "\($0.path)/status.json") }
    }
    while try program.isRunning && begun().count < 2 { usleep(1000) }
    program.send(SIGTERM)
    let outcome = try program.finish()
    #expect(
      outcome.status == 143 && outcome.messages.contains("stopped with 0 of 24 cells finished"), "\(outcome.messages)")
    #expect(workers().isEmpty)
    #expect(try begun().count == 2)
    for cell in try begun() {
      #expect(try RunFolder(opening: cell.path).json("status.json")?["status"] == "interrupted")
    }
  }

  @Test func unknownRowsAndBudgetsAreAnswered() throws {
    let row = try sweep("--only", "batch-2-nvil-smal")
    #expect(row.status == 2 && row.messages.contains("did you mean 'batch-2-nvil-small'?"), "\(row.messages)")
    #expect(try sweep("--budget", "short").status == 2)
    #expect(try Program.run(["sweep", "\(folder.path)/tiny.yaml"], in: folder.path).status == 2)
    #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/runs"))
  }
}
