import Configuration
import Foundation
import Testing

@testable import Experiments

/// What is handed to Slurm, and what of its answers is understood, with programs in its place that write down what they are
/// asked. `scripts/check-slurm.sh` runs a sweep on a real one.
struct SlurmTests {
  private let folder: TemporaryFolder
  private let experiment: String

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(tinyConfig.utf8, to: "tiny.yaml")
    experiment = try folder.write(
      """
      base: tiny.yaml
      seeds: [0, 1]
      rows: { small: {}, large: { model.controller.hidden: 9 } }
      slurm: { partition: cpu, account: vision, time_limit: "2:00:00", at_once: 5, options: [--mem=4G] }
      """.utf8, to: "cells.yaml")
    try tool("squeue", "cat queue 2> /dev/null || true")
    try tool("sbatch", "printf '%s\\n' \"$@\" > asked\necho 'sbatch: warning: be patient' >&2\necho '12;cluster'")
  }

  private func tool(_ name: String, _ lines: String) throws {
    let path = try folder.write("#!/bin/sh\n\(lines)\n".utf8, to: "bin-\(name)")
    let tools = "\(folder.path)/bin"
    try FileManager.default.createDirectory(atPath: tools, withIntermediateDirectories: true)
    try? FileManager.default.removeItem(atPath: "\(tools)/\(name)")
    try FileManager.default.moveItem(atPath: path, toPath: "\(tools)/\(name)")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(tools)/\(name)")
  }

  private func sweep(_ words: String..., path: String? = nil) throws -> Program.Outcome {
    try Program.run(
      ["sweep", "cells.yaml"] + words, in: folder.path,
      environment: ["PATH": path ?? "\(folder.path)/bin:/usr/bin:/bin"])
  }

  private func lines(_ name: String) throws -> [String] {
    try String(contentsOfFile: "\(folder.path)/\(name)", encoding: .utf8).split(separator: "\n").map(String.init)
  }

  @Test func allCellsAreHandedInAsOneArrayWithWhatTheFileAndTheFlagsSay() throws {
    let outcome = try sweep("--launcher", "slurm", "--partition", "fast", "--jobs", "3", "--sbatch=--nice --qos=low")
    #expect(outcome.status == 0 && outcome.output.hasPrefix("job 12: 4 cells"), "\(outcome)")
    let submission = "\(folder.path)/runs/cells/.cells/slurm-1"
    let place = URL(fileURLWithPath: submission).resolvingSymlinksInPath().path
    let asked = try lines("asked")
    let wanted: Set = [
      "--array=0-3%3", "--partition=fast", "--account=vision", "--time=2:00:00", "--mem=4G", "--nice", "--qos=low",
      "--cpus-per-task=1", "--requeue", "--signal=B:USR1@60", "\(place)/task.sh",
    ]
    #expect(wanted.subtracting(asked).isEmpty, "\(asked)")
    // The executable and every config are copies of their own.
    #expect(FileManager.default.contentsEqual(atPath: "\(submission)/airframe", andPath: Program.path))
    let cells = try String(contentsOfFile: "\(submission)/cells.tsv", encoding: .utf8).split(separator: "\n")
    #expect(cells.count == 4)
    for (line, cell) in zip(cells, try Experiment(experiment).cells) {
      let parts = line.split(separator: "\t").map(String.init)
      #expect(parts.last?.hasSuffix("/\(cell.place)") == true)
      #expect(try Runner.check("\(submission)/\(parts[0])", []).training.seed == cell.seed)
    }
  }

  @Test func whatIsInTheQueueIsShownAndNotHandedInAgain() throws {
    #expect(try sweep("--launcher", "slurm", "--only", "small").status == 0)
    let script = try #require(try lines("asked").last)
    try folder.write("12|0|RUNNING|None|\(script)\n12|1|PENDING|Resources|\(script)\n".utf8, to: "queue")
    let status = try sweep("--launcher", "slurm", "--status")
    #expect(status.output.contains("4 cells: 1 running, 1 queued, 2 to do"), "\(status)")
    #expect(status.output.contains("queued    small/seed-1  24 steps, Resources, task 12_1"), "\(status)")
    #expect(try sweep("--launcher", "slurm", "--only", "small").output == "nothing is left to submit\n")
    let rest = try sweep("--launcher", "slurm")
    #expect(rest.output.hasPrefix("job 12: 2 cells") && rest.output.contains("slurm-2"), "\(rest)")
    // A queue of another place of the same name is not this one's.
    #expect(try sweep("--launcher", "slurm", "--out", "other").output.hasPrefix("job 12: 4 cells"))
  }

  @Test func whatCannotBeHandedInIsToldAndLeavesNothing() throws {
    func expect(_ outcome: Program.Outcome, _ words: String, sourceLocation: SourceLocation = #_sourceLocation) {
      #expect(outcome.status == 2 && outcome.messages.contains(words), "\(outcome)", sourceLocation: sourceLocation)
    }
    expect(
      try sweep("--launcher", "slurm", path: "/nowhere"), "squeue was not found: there is no Slurm on this machine")
    expect(try sweep("--partition", "cpu"), "--partition is for --launcher slurm")
    expect(try sweep("--launcher", "slurm", "--fail-fast"), "--fail-fast is for --launcher local")
    expect(try sweep("--launcher", "slurm", "--sbatch=--array=1"), "which airframe sets itself")
    expect(try sweep("--launcher", "slurm", "--sbatch", "mem"), "options of sbatch start with a dash")
    try tool("sbatch", "echo 'sbatch: error: invalid account' >&2; exit 1")
    expect(try sweep("--launcher", "slurm"), "Slurm refused: sbatch: error: invalid account")
    try tool("sbatch", "echo welcome")
    expect(try sweep("--launcher", "slurm"), "sbatch gave no number of a job, but said: welcome")
    let left = FileManager.default.enumerator(atPath: "\(folder.path)/runs")?.compactMap { $0 as? String } ?? []
    #expect(!left.contains { $0.contains("slurm-") || $0.hasSuffix(".yaml") }, "\(left)")
  }

  @Test func theScriptFindsItsCellWhateverTheNamesAre() throws {
    // Run by hand as Slurm would, with a program that says what it was given in the place of airframe.
    let here = "\(folder.path)/it's here"
    try FileManager.default.createDirectory(atPath: here, withIntermediateDirectories: true)
    try folder.write("0.yaml\t/runs/a b/seed-0\n1.yaml\t/runs/it's/seed-1\n".utf8, to: "it's here/cells.tsv")
    try tool("airframe", "printf '<%s>' \"$@\"; echo \" $AIRFRAME_CODE\"; exit 7")
    try FileManager.default.moveItem(atPath: "\(folder.path)/bin/airframe", toPath: "\(here)/airframe")
    let text = SlurmTaskScript.text(experiment: "e", submission: here, data: "/da ta", code: "abc+")
    let script = try folder.write(text.utf8, to: "task.sh")
    // Not by sh, where that is dash: it waits for SIGCHLD, which threads of a test block.
    let outcome = try Program.run(
      [script], in: folder.path, environment: ["SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_JOB_ID": "5"],
      program: "/bin/bash")
    #expect(outcome.status == 7)
    #expect(
      outcome.output.hasSuffix("<run-cell><\(here)/1.yaml></runs/it's/seed-1><--data></da ta> abc+\n"), "\(outcome)")
  }
}
