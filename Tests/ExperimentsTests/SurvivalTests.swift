import Configuration
import Foundation
import Testing

@testable import Experiments

/// Trainings that are killed, stopped, or run out of disk, as processes of their own.
///
/// `scripts/kill-and-resume.sh` runs the kills with AIRFRAME_KILLS=20.
@Suite(.serialized) struct SurvivalTests {
  private let folder: TemporaryFolder
  private let config: String
  private var whole: String { "\(folder.path)/\(name)/whole" }
  private var killed: String { "\(folder.path)/\(name)/killed" }
  private let name = "tiny"

  init() throws {
    folder = try TemporaryFolder()
    config = try folder.write(tinyConfig.utf8, to: "tiny.yaml")
  }

  private func train(_ words: String..., name: String, out: String? = nil) throws -> Program {
    try Program(["train", config, "--out", out ?? folder.path, "--name", name] + words, in: folder.path)
  }

  /// Large enough that a good part of the time goes into writing checkpoints.
  private static let large = [
    "model.controller.hidden=96", "training.steps=120", "training.checkpoint_every=3", "training.log_every=2",
    "training.evaluate_every=5", "training.picture_every=4", "training.keep_checkpoints=3",
  ]

  // MARK: SIGKILL

  @Test func killedAtAnyMomentARunEndsWithTheSameBits() throws {
    let kills = ProcessInfo.processInfo.environment["AIRFRAME_KILLS"].flatMap(Int.init) ?? 4
    // More steps for more kills, so that each finds the run at work.
    let words = Self.large + ["training.steps=\(30 * kills)"]
    let start = Date()
    let reference = try Program(
      ["train", config, "--out", folder.path, "--name", "whole"] + words, in: folder.path
    ).finish()
    #expect(reference.status == 0, "\(reference.messages)")
    let duration = Date().timeIntervalSince(start)

    var done = 0
    var whileWriting = 0
    var moments = Moments("kills of a training")
    while done < kills {
      let isResumed = FileManager.default.fileExists(atPath: "\(killed)/config.yaml")
      let program = try Program(
        isResumed
          ? ["train", "--resume", killed]
          : ["train", config, "--out", folder.path, "--name", "killed"] + words, in: folder.path)
      // Every other kill waits for a checkpoint that is being written; the others come at random.
      let moment = Date().addingTimeInterval(
        .random(in: 0.01...(0.03 + 1.2 * duration / Double(kills)), using: &moments))
      while Date() < moment && program.isRunning { usleep(200) }
      if done % 2 == 1 {
        let patience = Date().addingTimeInterval(2)
        while Date() < patience && program.isRunning && unfinished().isEmpty { usleep(20) }
      }
      program.send(SIGKILL)
      let outcome = try program.finish()
      if !outcome.wasKilled {
        #expect(outcome.status == 0, "\(outcome.messages)")
        break
      }
      done += 1
      whileWriting += unfinished().isEmpty ? 0 : 1
      try expectReadable()
    }
    if FileManager.default.fileExists(atPath: "\(killed)/config.yaml") {
      let last = try Program.run(["train", "--resume", killed], in: folder.path)
      #expect(last.status == 0, "\(last.messages)")
    }
    print("\(done) kills, \(whileWriting) of them while a file was being written")
    #expect(done >= kills / 2, "the run ended before it could be killed")
    try expectSame()
  }

  private func unfinished() -> [String] {
    ["", "/checkpoints", "/images"].flatMap { part in
      ((try? FileManager.default.contentsOfDirectory(atPath: killed + part)) ?? []).filter { $0.hasPrefix(".tmp-") }
    }
  }

  /// Everything in the folder of the killed run can be read.
  private func expectReadable(_ path: String? = nil, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let path = path ?? killed
    func data(_ name: String) -> Data? { FileManager.default.contents(atPath: "\(path)/\(name)") }
    guard data("config.yaml") != nil else { return }
    _ = try RunFolder(opening: path).config()
    for name in ["status.json", "environment.json", "summary.json"] {
      if let data = data(name) { _ = try JSON(parsing: [UInt8](data)) }
    }
    for name in ["metrics.jsonl", "timing.jsonl", "log.txt"] {
      guard let data = data(name), !data.isEmpty else { continue }
      #expect(data.last == UInt8(ascii: "\n"), "\(name) ends in half a line", sourceLocation: sourceLocation)
      if name.hasSuffix(".jsonl") {
        for line in data.split(separator: UInt8(ascii: "\n")) { _ = try JSON(parsing: [UInt8](line)) }
      }
    }
    if let events = try EventFile.path(in: path) {
      _ = try eventPayloads([UInt8](try Data(contentsOf: URL(fileURLWithPath: events))))
    }
    for checkpoint in try RunFolder(opening: path).checkpoints { _ = try SafeTensors.read(checkpoint.path) }
  }

  private func expectSame() throws {
    func contents(_ path: String) throws -> [String: Data] {
      let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
      var files: [String: Data] = [:]
      for name in names where name.contains(".") {
        files[name.hasPrefix("events.") ? "events" : name] = try Data(
          contentsOf: URL(fileURLWithPath: "\(path)/\(name)"))
      }
      return files
    }
    let (own, other) = (try contents(killed), try contents(whole))
    #expect(own.keys.sorted() == other.keys.sorted())
    let times = ["timing.jsonl", "environment.json", "summary.json", "log.txt"]
    for (name, bytes) in other where !times.contains(name) { #expect(own[name] == bytes, "\(name) differs") }
    #expect(other.keys.filter { $0.hasPrefix("checkpoints/") }.count >= 3 && other["events"] != nil)
  }

  // MARK: SIGTERM and Ctrl-C

  @Test(arguments: [(SIGTERM, Int32(143)), (SIGINT, Int32(130))])
  func aStoppedRunSavesItselfAndGoesOnWithTheSameBits(_ signal: Int32, _ status: Int32) throws {
    let words = Self.large + ["training.checkpoint_every=50", "training.steps=150"]
    let reference = try Program(
      ["train", config, "--out", folder.path, "--name", "whole"] + words, in: folder.path
    ).finish()
    #expect(reference.status == 0, "\(reference.messages)")
    let program = try Program(
      ["train", config, "--out", folder.path, "--name", "killed"] + words, in: folder.path)
    while program.isRunning && (try? metricLines(killed))?.isEmpty ?? true { usleep(1000) }
    program.send(signal)
    let outcome = try program.finish()
    #expect(outcome.status == status && !outcome.wasKilled)
    let step = try #require(try RunFolder(opening: killed).checkpoints.last?.step)
    #expect(outcome.messages.contains("stopped after step \(step), which is saved"))
    #expect(outcome.messages.contains("resume with `airframe train --resume \(killed)`"))
    let json = try RunFolder(opening: killed).json("status.json")
    #expect(json?["status"] == "interrupted" && json?["step"] == .integer(step))
    try expectReadable()
    #expect(try Program.run(["train", "--resume", killed], in: folder.path).status == 0)
    try expectSame()
  }

  // MARK: One folder, two processes

  @Test func theSecondProcessOnAFolderRefuses() throws {
    let first = try train("training.steps=1000000", name: "killed")
    while first.isRunning && !FileManager.default.fileExists(atPath: "\(killed)/metrics.jsonl") { usleep(1000) }
    let run = try RunFolder(opening: killed)
    #expect(run.isBeingTrained)
    let second = try Program.run(["train", "--resume", killed], in: folder.path)
    #expect(second.status == 2 && second.messages.contains("another process is training in this folder"))
    let third = try train(name: "killed").finish()
    #expect(third.status == 2 && third.messages.contains("there is already a run here, which is left as it is"))
    #expect(first.isRunning)
    first.send(SIGTERM)
    #expect(try first.finish().status == 143)
    #expect(!run.isBeingTrained)
    try expectReadable()
  }

  // MARK: A folder that is moved or deleted

  @Test(arguments: [true, false]) func aTrainingWhoseFolderIsReplacedStopsAndTouchesNothingOfTheNewRun(_ isMoved: Bool)
    throws
  {
    let first = try train("training.steps=1000000", "training.log_every=1", name: "killed")
    while first.isRunning && (try? metricLines(killed))?.isEmpty ?? true { usleep(1000) }
    if isMoved {
      try FileManager.default.moveItem(atPath: killed, toPath: killed + "-old")
    } else {
      try FileManager.default.removeItem(atPath: killed)
    }
    let second = try train("training.seed=5", name: "killed").finish()
    #expect(second.status == 0, "\(second.messages)")
    let outcome = try first.finish()
    #expect(outcome.status == 1 && outcome.messages.contains("was deleted, moved or replaced"), "\(outcome.messages)")
    try expectReadable()
    #expect(try Runner.check("\(killed)/config.yaml", []).training.seed == 5)
    #expect(try RunFolder(opening: killed).json("status.json")?["status"] == "finished")
    #expect(try RunFolder(opening: killed).checkpoints.map(\.step) == [8, 16, 24])
    #expect(try metricLines(killed).last?["step"] == 24)
    if isMoved {
      #expect(try RunFolder(opening: killed + "-old").json("status.json")?["status"] == "failed")
      try expectReadable(killed + "-old")
    }
  }

  // MARK: A loss that is not finite

  @Test func aLossThatIsNotFiniteFailsWithItsStepAndTerm() throws {
    let outcome = try train(
      "training.optimizer={ name: sgd, rate: 10 }", "training.checkpoint_every=1", "training.steps=200",
      "model.controller.presence_bias=10", name: "killed"
    ).finish()
    #expect(outcome.status == 1 && outcome.messages.contains("so training cannot go on"), "\(outcome.messages)")
    let run = try RunFolder(opening: killed)
    let json = try #require(run.json("status.json"))
    let kept = try #require(try run.checkpoints.last)
    #expect(json["status"] == "failed" && json["step"] == .integer(kept.step))
    let reason = try #require(json["reason"]?.string)
    #expect(reason.hasPrefix("step \(kept.step + 1): ") && reason.contains(" is "))
    try expectReadable()
    #expect(try Program.run(["evaluate", killed, "--step", "\(kept.step)"], in: folder.path).status == 0)
  }

  // MARK: A full disk

  /// A file system of 20 MB with this many kilobytes left: the disk is full at the start, at a line of a log, in a picture,
  /// or in a checkpoint. It lives in memory and needs no more than a user namespace.
  @Test(arguments: [2, 30, 200, 250, 330, 700, 1500])
  func aFullDiskEndsTheTrainingWhichGoesOnOnceThereIsRoom(_ room: Int) throws {
    let words = [
      "training.steps=300", "training.checkpoint_every=8", "training.keep_checkpoints=2", "training.log_every=1",
      "training.picture_every=2",
    ]
    let reference = try Program.run(
      ["train", config, "--out", folder.path, "--name", "whole"] + words, in: folder.path)
    #expect(reference.status == 0, "\(reference.messages)")
    // Copies are made before the file system vanishes with its namespace.
    let script = try folder.write(
      """
      disk=$1 program=$2 config=$3 run=$4 copy=$5; shift 5
      mount -t tmpfs -o size=20m tmpfs "$disk" || exit 99
      mkdir -p "$run/checkpoints" "$run/images"
      head -c \(20 * 1024 - room)k /dev/zero > "$disk/filler" 2> /dev/null
      "$program" train "$config" --out "$disk" --name full "$@"
      echo "status $?"
      cp -r "$run" "$copy-full"
      rm "$disk/filler"
      if [ -e "$run/config.yaml" ]
      then "$program" train --resume "$run"
      else "$program" train "$config" --out "$disk" --name full "$@"
      fi
      echo "status $?"
      cp -r "$run" "$copy"
      """.utf8, to: "fill.sh")
    let disk = "\(folder.path)/disk"
    try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
    let outcome = try Program.run(
      [
        "-Urm", "bash", script, disk, Program.path, config, "\(disk)/\(name)/full", killed,
      ] + words, in: folder.path, program: "/usr/bin/unshare")
    let statuses = outcome.output.split(separator: "\n").filter { $0.hasPrefix("status ") }
    #expect(statuses.last == "status 0", "\(outcome.messages.suffix(2000))")
    let full = killed + "-full"
    #expect(
      outcome.messages.contains("No space left on device"), "the disk was not filled: \(outcome.messages.suffix(2000))")
    #expect(outcome.messages.contains("free some space on that disk"))
    try expectReadable(full)
    if FileManager.default.fileExists(atPath: "\(full)/config.yaml") {
      #expect(statuses.first == "status 1")
      let json = try RunFolder(opening: full).json("status.json")
      #expect(json?["status"] == "failed" && json?["reason"]?.string?.contains("No space left on device") == true)
      if let last = try RunFolder(opening: full).checkpoints.last {
        #expect(outcome.messages.contains("the checkpoint after step \(last.step) is kept: once that is fixed, resume"))
        #expect(try Program.run(["evaluate", full], in: folder.path).status == 0)
      }
    }
    let names = FileManager.default.enumerator(atPath: full)?.compactMap { $0 as? String } ?? []
    #expect(!names.contains { $0.contains(".tmp-") }, "\(names)")
    try expectSame()
  }
}
