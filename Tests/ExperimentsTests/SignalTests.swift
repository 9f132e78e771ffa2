import Foundation
import Testing

@testable import Experiments

/// However a training or a sweep is asked to end, it saves, and leaves no process behind.
@Suite(.serialized) struct SignalTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(tinyConfig.utf8, to: "tiny.yaml")
    try folder.write("base: tiny.yaml\nseeds: [0, 1]\nrows: { a: {} }\n".utf8, to: "cells.yaml")
  }

  private func wait(for what: String, _ condition: () throws -> Bool) throws {
    // Turns rather than seconds: a machine that is busy, or had this process stopped, is no fault.
    for _ in 0..<100_000 {
      if try condition() { return }
      usleep(2000)
    }
    Issue.record("waited in vain for \(what)")
  }

  private func text(_ path: String) -> String {
    (try? String(contentsOfFile: "\(folder.path)/\(path)", encoding: .utf8)) ?? ""
  }

  // MARK: A training

  private func training(_ name: String, environment: [String: String] = [:]) throws -> Program {
    try Program(
      ["train", "tiny.yaml", "--out", "t", "--name", name, "training.steps=1000000", "training.checkpoint_every=0"],
      in: folder.path, environment: environment)
  }

  @Test func everySignalThatAsksForTheEndSavesFirst() throws {
    for (signal, name) in [(SIGHUP, "hup"), (SIGTERM, "term"), (SIGINT, "int")] {
      let program = try training(name)
      try wait(for: "metrics of \(name)") { !text("t/tiny/\(name)/metrics.jsonl").isEmpty }
      program.send(signal)
      let outcome = try program.finish()
      #expect(!outcome.wasKilled && outcome.status == 128 + signal, "\(outcome)")
      #expect(text("t/tiny/\(name)/status.json").contains("interrupted"))
      let run = try RunFolder(opening: "\(folder.path)/t/tiny/\(name)")
      #expect(try run.checkpoints.count >= 1)
    }
  }

  @Test func aTrainingThatOutlivesItsTerminalGoesOn() throws {
    let outcome = try Program.run(
      [
        "-c", "trap '' HUP; \"$0\" \"$@\" & child=$!; kill -HUP $child; sleep 0.2; kill -HUP $child; wait $child",
        Program.path, "train", "tiny.yaml", "--out", "t", "--name", "nohup",
      ], in: folder.path, program: "/bin/sh")
    #expect(outcome.status == 0 && outcome.output.contains("/nohup\n"), "\(outcome)")
  }

  /// A git that never answers stands for whatever a training can be stuck in.
  @Test func aSecondSIGTERMAfterSomeSecondsEndsWhatIsStuck() throws {
    let tools = "\(folder.path)/tools"
    try FileManager.default.createDirectory(atPath: tools, withIntermediateDirectories: true)
    try folder.write("#!/bin/sh\necho > \"\(folder.path)/asked\"\nexec sleep 60\n".utf8, to: "tools/git")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(tools)/git")
    let program = try training("stuck", environment: ["PATH": "\(tools):/usr/bin:/bin"])
    try wait(for: "the program to be stuck") { !text("asked").isEmpty }
    program.send(SIGTERM)
    usleep(100_000)
    // A batch system and a shell both pass it on.
    program.send(SIGTERM)
    usleep(100_000)
    #expect(program.isRunning)
    usleep(useconds_t(StopSignal.patience) * 1000)
    program.send(SIGTERM)
    let outcome = try program.finish()
    #expect(!outcome.wasKilled && outcome.status == 143, "\(outcome)")
  }

  // MARK: A sweep

  /// Processes of cells below this test's folder.
  private func workers() -> [pid_t] {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return entries.compactMap { pid_t($0) }.filter { process in
      let words = FileManager.default.contents(atPath: "/proc/\(process)/cmdline").map {
        String(decoding: $0, as: UTF8.self)
      }
      return words.map { $0.contains("run-cell") && $0.contains(folder.path) } ?? false
    }
  }

  private func cell(_ seed: Int, _ file: String) -> String { text("s/cells/a/seed-\(seed)/\(file)") }

  /// A sweep with two cells at work.
  private func sweep(_ words: String...) throws -> Program {
    let program = try Program(
      [
        "sweep", "\(folder.path)/cells.yaml", "--out", "\(folder.path)/s", "--jobs", "2", "training.steps=1000000",
        "training.checkpoint_every=0",
      ] + words, in: folder.path)
    try wait(for: "two cells") { (0...1).allSatisfy { !cell($0, "metrics.jsonl").isEmpty } || !program.isRunning }
    return program
  }

  private func expectSaved() throws {
    try wait(for: "the end of all cells") { workers().isEmpty }
    for seed in 0...1 {
      #expect(cell(seed, "status.json").contains("interrupted"))
      let run = try RunFolder(opening: "\(folder.path)/s/cells/a/seed-\(seed)")
      #expect(try !run.checkpoints.isEmpty)
    }
    try FileManager.default.removeItem(atPath: "\(folder.path)/s")
  }

  @Test func noSignalToTheSweepAloneLeavesACellBehindOrUnsaved() throws {
    for signal in [SIGINT, SIGHUP, SIGTERM] {
      let program = try sweep()
      program.send(signal)
      let outcome = try program.finish()
      #expect(!outcome.wasKilled && outcome.status == 128 + signal, "\(outcome)")
      #expect(workers().isEmpty, "signal \(signal)")
      try expectSaved()
    }
  }

  @Test func cellsSaveThemselvesWhereTheSweepIsKilled() throws {
    let program = try sweep()
    program.send(SIGKILL)
    _ = try program.finish()
    try expectSaved()
  }

  @Test func aStoppedCellHoldsNoSweepUp() throws {
    let program = try sweep()
    for process in workers() { kill(process, SIGSTOP) }
    program.send(SIGTERM)
    let outcome = try program.finish()
    #expect(!outcome.wasKilled && outcome.status == 143, "\(outcome)")
    #expect(workers().isEmpty)
    try expectSaved()
  }

  /// Its stdout and stderr are a pipe that nobody reads any more, as after `| head -2`.
  @Test func aSweepWhoseReaderHasGoneGoesOn() throws {
    #expect(mkfifo("\(folder.path)/broken", 0o600) == 0)
    let outcome = try Program.run(
      [
        "-c", "exec 4<>broken 5>broken 4<&-; exec \"$0\" \"$@\" >&5 2>&5", Program.path, "sweep", "cells.yaml", "--out",
        "s", "--jobs", "2",
      ], in: folder.path, program: "/bin/sh")
    #expect(outcome.status == 0 && !outcome.wasKilled)
    for seed in 0...1 { #expect(cell(seed, "status.json").contains("finished")) }
  }

  /// A cell that does not look: one that is stopped again at once.
  @Test func aSecondInterruptKillsCellsThatDoNotSaveThemselves() throws {
    let program = try sweep()
    let cells = workers()
    program.send(SIGINT)
    try wait(for: "the sweep to wait") { program.messages.contains("save themselves") || !program.isRunning }
    for process in cells { kill(process, SIGSTOP) }
    program.send(SIGINT)
    let outcome = try program.finish()
    #expect(!outcome.wasKilled && outcome.status == 130, "\(outcome)")
    #expect(workers().isEmpty)
  }

  /// A folder where the output of the second cell should be.
  @Test func aCellThatCannotBeStartedLeavesTheOthersAtWork() throws {
    let place = "\(folder.path)/s/cells/.cells/a--seed-1.txt"
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    let outcome = try Program.run(
      ["sweep", "cells.yaml", "--out", "s", "--jobs", "1"], in: folder.path)
    #expect(outcome.status == 1 && outcome.messages.contains("failed   a/seed-1: "), "\(outcome)")
    #expect(cell(0, "status.json").contains("finished"))
    #expect(workers().isEmpty)
  }
}
