import Configuration
import Foundation
import Inference
import Testing

@testable import Experiments

struct ResumeTests {
  private let folder: TemporaryFolder
  private var path: String { folder.path + "/run" }
  private var whole: String { folder.path + "/whole" }

  init() throws { folder = try TemporaryFolder() }

  /// Everything is due after steps 8, 16 and 24.
  private func config(_ overrides: [String]) throws -> RunConfig { try tiny(["training.picture_every=8"] + overrides) }

  private func train(_ overrides: String..., to path: String) throws {
    try Training(try workbench(try config(overrides)), in: try RunFolder(planning: path)).run()
  }

  private func resume(_ overrides: String...) throws {
    _ = try Runner.resume(run: path, overrides: overrides, dataFolder: "/dev/null")
  }

  private func file(_ name: String, of run: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: "\(run)/\(name)"))
  }

  /// Expects that the run holds what the uninterrupted one holds, bit for bit.
  private func expectWhole(sourceLocation: SourceLocation = #_sourceLocation) throws {
    func names(_ run: String, _ part: String) throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: "\(run)/\(part)").sorted()
    }
    for part in ["checkpoints", "images"] {
      #expect(try names(path, part) == names(whole, part), sourceLocation: sourceLocation)
    }
    let files =
      try names(whole, "images").map { "images/\($0)" } + ["metrics.jsonl", "config.yaml", "status.json"]
      + ["checkpoints/step-24.safetensors"]
    for name in files {
      #expect(try file(name, of: path) == file(name, of: whole), "\(name)", sourceLocation: sourceLocation)
    }
    let events = try [path, whole].map {
      try file(#require(try EventFile.path(in: $0).map { String($0.split(separator: "/").last ?? "") }), of: $0)
    }
    #expect(events[0] == events[1], "events", sourceLocation: sourceLocation)
    for key in ["final", "best", "steps"] {
      let values = try [path, whole].map { try RunFolder(opening: $0).json("summary.json")?[key] }
      #expect(values[0] != nil && values[0] == values[1], "\(key)", sourceLocation: sourceLocation)
    }
  }

  @Test(arguments: estimators.names) func aRunGoesOnBitForBit(_ estimator: String) throws {
    let choice = "estimator={ name: \(estimator) }"
    try train(choice, to: whole)
    try train(choice, "training.steps=16", to: path)
    try resume("training.steps=24")
    try expectWhole()
  }

  @Test func sumsOfAnUnfinishedIntervalAreKept() throws {
    try train("training.log_every=6", to: whole)
    try train("training.log_every=6", to: path)
    // As killed after step 21: the newest checkpoint (16) lies in the midst of the line from 13 to 18.
    try FileManager.default.removeItem(atPath: "\(path)/checkpoints/step-24.safetensors")
    try resume()
    try expectWhole()
  }

  @Test func aDamagedCheckpointIsReportedAndTheOneBeforeUsed() throws {
    try train(to: whole)
    try train(to: path)
    let newest = "\(path)/checkpoints/step-24.safetensors"
    let bytes = try Data(contentsOf: URL(fileURLWithPath: newest))
    try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: newest))
    let outcome = try Program.run(["train", "--resume", path], in: folder.path)
    #expect(outcome.status == 0, "\(outcome.messages)")
    #expect(outcome.messages.contains("warning: \(newest): not a usable safetensors file"))
    #expect(outcome.messages.contains("the checkpoint before it is used"))
    #expect(outcome.messages.contains("going on after step 16"))
    try expectWhole()
  }

  @Test func aLogShorterThanACheckpointSaysMakesTheOneBeforeUsed() throws {
    try train(to: whole)
    try train(to: path)
    let metrics = try file("metrics.jsonl", of: path)
    try metrics.prefix(metrics.count - 10).write(to: URL(fileURLWithPath: "\(path)/metrics.jsonl"))
    try resume()
    try expectWhole()
  }

  /// What is in the place of `checkpoints` while its disk is not mounted.
  @Test(arguments: ["nothing", "a link to nowhere", "a file", "an empty folder"])
  func checkpointsThatCannotBeListedEndAResumeWhichLosesNothing(_ stand: String) throws {
    try train(to: whole)
    try train("training.steps=16", to: path)
    let (place, away) = ("\(path)/checkpoints", "\(folder.path)/away")
    try FileManager.default.moveItem(atPath: place, toPath: away)
    switch stand {
    case "a link to nowhere":
      try FileManager.default.createSymbolicLink(atPath: place, withDestinationPath: "/not-mounted/checkpoints")
    case "a file": try folder.write([], to: "run/checkpoints")
    case "an empty folder": try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
    default: break
    }
    let names = ["metrics.jsonl", "timing.jsonl", "config.yaml", "status.json"]
    let before = try names.map { try file($0, of: path) }
    let words = complaint { try resume("training.steps=24") }
    #expect(words.contains(place), "\(words)")
    #expect(try names.map { try file($0, of: path) } == before)
    try? FileManager.default.removeItem(atPath: place)
    try FileManager.default.moveItem(atPath: away, toPath: place)
    try resume("training.steps=24")
    try expectWhole()
  }

  /// The folder where the disk with the checkpoints is mounted is empty without it.
  @Test(arguments: [16, nil]) func aFailedRunIsBegunAnewOnlyIfNothingWasSaved(_ saved: Int?) throws {
    try train("training.steps=16", to: path)
    for checkpoint in try RunFolder(opening: path).checkpoints {
      try FileManager.default.removeItem(atPath: checkpoint.path)
    }
    var locked: LockedFolder? = try LockedFolder(try RunFolder(opening: path))
    locked?.newestCheckpoint = saved
    locked?.writeFailure(at: 20, of: 24, reason: "a full disk")
    locked = nil
    let before = try file("metrics.jsonl", of: path)
    let words = complaint { try resume() }
    if saved != nil {
      #expect(words.contains("holds no checkpoint, but status.json mentions one after step 16"), "\(words)")
      #expect(try file("metrics.jsonl", of: path) == before)
    } else {
      #expect(words == "")
      #expect(try RunFolder(opening: path).checkpoints.map(\.step) == [8, 16])
    }
  }

  @Test func checkpointsMayLieOnAnotherDisk() throws {
    try train(to: whole)
    try train("training.steps=16", to: path)
    let (place, away) = ("\(path)/checkpoints", "\(folder.path)/away")
    try FileManager.default.moveItem(atPath: place, toPath: away)
    try FileManager.default.createSymbolicLink(atPath: place, withDestinationPath: away)
    try resume("training.steps=24")
    try expectWhole()
    #expect(FileManager.default.fileExists(atPath: "\(away)/step-24.safetensors"))
  }

  @Test(arguments: ["metrics.jsonl", "events"], ["deleted", "emptied", "cut"])
  func aCheckpointWhoseLogsAreShorterGoesOnAndSaysWhatIsLost(_ log: String, _ fault: String) throws {
    try train(to: whole)
    try train("training.steps=16", to: path)
    let name = log == "events" ? try #require(try EventFile.path(in: path)) : "\(path)/\(log)"
    let bytes = try Data(contentsOf: URL(fileURLWithPath: name))
    switch fault {
    case "deleted": try FileManager.default.removeItem(atPath: name)
    case "emptied": try Data().write(to: URL(fileURLWithPath: name))
    // Less than the first checkpoint knows of, and in the middle of a line or record.
    default: try bytes.prefix(bytes.count / 5 + 3).write(to: URL(fileURLWithPath: name))
    }
    try resume("training.steps=24")
    let said = try String(decoding: file("log.txt", of: path), as: UTF8.self)
    #expect(said.contains("resumes after step 16") && said.contains(" between are lost"), "\(said)")
    // The training is that of the whole run, and the logs can be read.
    let tensors = try [path, whole].map { try SafeTensors.read("\($0)/checkpoints/step-24.safetensors").tensors }
    #expect(tensors[0].mapValues { $0.array() } == tensors[1].mapValues { $0.array() })
    #expect(try metricLines(path).last == metricLines(whole).last)
    _ = try eventPayloads([UInt8](Data(contentsOf: URL(fileURLWithPath: #require(try EventFile.path(in: path))))))
    // What it wrote fits together again.
    let before = try file("log.txt", of: path).count
    try resume("training.steps=25")
    let more = try String(decoding: file("log.txt", of: path).dropFirst(before), as: UTF8.self)
    #expect(more.contains("resumes after step 24") && !more.contains("lost"), "\(more)")
  }

  @Test func aRunKilledBeforeItsFirstCheckpointBeginsAnew() throws {
    try train(to: whole)
    try train(to: path)
    for checkpoint in try RunFolder(opening: path).checkpoints {
      try FileManager.default.removeItem(atPath: checkpoint.path)
    }
    try FileManager.default.removeItem(atPath: "\(path)/summary.json")
    try folder.write("{\"status\": \"running\", \"step\": 0, \"steps\": 24}".utf8, to: "run/status.json")
    try resume()
    try expectWhole()
  }

  @Test func leftoversOfAKilledWriterAreRemoved() throws {
    try train(to: whole)
    try train(to: path)
    try FileManager.default.createDirectory(atPath: "\(path)/evaluations", withIntermediateDirectories: true)
    for place in ["", "checkpoints/", "evaluations/", "images/"] { try folder.write([1], to: "run/\(place).tmp-7-x") }
    try resume()
    try expectWhole()
    let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
    #expect(!names.isEmpty && !names.contains { $0.contains(".tmp-") })
  }

  @Test func withoutAUsableCheckpointNothingIsTouched() throws {
    try train(to: path)
    for checkpoint in try RunFolder(opening: path).checkpoints {
      try Data([0]).write(to: URL(fileURLWithPath: checkpoint.path))
    }
    let before = try file("metrics.jsonl", of: path)
    let words = complaint { try resume() }
    #expect(words.hasPrefix("none of the checkpoints can be used:\n"))
    for step in [8, 16, 24] { #expect(words.contains("step-\(step).safetensors: not a usable safetensors file")) }
    #expect(try file("metrics.jsonl", of: path) == before)
  }

  @Test func aCheckpointWithoutTheLengthsOfLogsIsNotGoneOnFrom() throws {
    try train(to: path)
    let run = try RunFolder(opening: path)
    for checkpoint in try run.checkpoints { try FileManager.default.removeItem(atPath: checkpoint.path) }
    try Checkpoint.write(try workbench(try config([])), step: 8, to: run.checkpointPath(8))
    let before = try file("metrics.jsonl", of: path)
    let words = complaint { try resume() }
    #expect(words.contains("step-8.safetensors: cannot be used: it does not say how long the logs were"))
    #expect(try file("metrics.jsonl", of: path) == before)
  }

  @Test func onlyStepsThreadsAndLoggingMayChange() throws {
    try train("training.steps=16", to: path)
    for key in [
      "training.batch", "training.optimizer.rate", "model.steps", "dataset.seed", "training", "evaluation.batch",
    ] {
      let words = complaint { try resume("\(key)=3") }
      #expect(
        words.contains("override '\(key)=3'") && words.contains("only training.steps, training.threads"), "\(words)")
      #expect(words.contains("--init-from \(path)"))
    }
    #expect(complaint { try resume("training.steps=12") }.contains("is at step 16 already"))
    try resume("training.steps=20", "training.threads=2", "training.log_every=2", "training.keep_checkpoints=1")
    let config = try Runner.check("\(path)/config.yaml", [])
    #expect(config.training.steps == 20 && config.training.threads == 2 && config.training.logEvery == 2)
    // Logged every 2 steps from where it went on.
    #expect(try metricLines(path).filter { $0["split"] == nil }.suffix(2).map { $0["step"] } == [18, 20])
  }

  @Test func aConfigThatWasChangedByHandIsNamedWithItsKey() throws {
    try train(to: path)
    let text = try String(contentsOfFile: "\(path)/config.yaml", encoding: .utf8)
    try folder.write(text.replacing("batch: 4", with: "batch: 3").utf8, to: "run/config.yaml")
    let words = complaint { try resume() }
    #expect(words.contains("was made with training.batch 4, config.yaml says 3; put config.yaml back"), "\(words)")
  }

  @Test func environmentTellsOfEveryProcess() throws {
    try train("training.steps=8", to: path)
    try resume("training.steps=16")
    try resume("training.steps=24", "training.threads=2")
    let json = try JSON(parsing: [UInt8](file("environment.json", of: path)))
    guard case .list(let resumed)? = json["resumed"] else { throw EventFault.cutShort }
    #expect(resumed.map { $0["step"] } == [8, 16])
    #expect(json["threads"] == 1 && resumed.map { $0["threads"] } == [1, 2])
    let log = try String(contentsOfFile: "\(path)/log.txt", encoding: .utf8)
    #expect(log.contains("resumes after step 8") && log.contains("warning: threads was 1 and is 2"))
  }
}

struct InitialParameterTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func run(_ name: String, _ words: String...) throws -> Program.Outcome {
    let config = try folder.write(tinyConfig.utf8, to: "tiny.yaml")
    return try Program.run(["train", config, "--out", folder.path, "--name", name] + words, in: folder.path)
  }

  /// The first gradient step moves parameters by at most the rate, so they stay near the origin's, far from fresh ones.
  @Test func aRunStartsFromAnothersParameters() throws {
    let first = try run("first")
    let origin = String(try #require(first.output.split(separator: "\n").first { $0.hasPrefix("run ") }).dropFirst(4))
    let second = try run(
      "second", "--init-from", origin, "training.steps=1", "training.seed=7", "training.optimizer.rate=1e-6",
      "estimator.baseline.rate=1e-6")
    #expect(second.status == 0, "\(second.messages)")
    let path = String(try #require(second.output.split(separator: "\n").first { $0.hasPrefix("run ") }).dropFirst(4))
    let (old, new) = (
      try SafeTensors.read("\(origin)/checkpoints/step-24.safetensors").tensors,
      try SafeTensors.read("\(path)/checkpoints/step-1.safetensors").tensors
    )
    for (name, tensor) in old where name.hasPrefix("parameters/") {
      let moved = zip(tensor.array(), try #require(new[name]).array()).map { abs($0 - $1) }.max() ?? 0
      #expect(moved <= 1.5e-6, "\(name)")
    }
    #expect(try RunFolder(opening: path).json("environment.json")?["init_from"]?.string == origin)
  }

  @Test func anotherModelsParametersAreRefusedAndNothingIsMade() throws {
    let first = try run("first")
    let origin = String(try #require(first.output.split(separator: "\n").first { $0.hasPrefix("run ") }).dropFirst(4))
    let second = try run("second", "--init-from", origin, "model.controller.hidden=7")
    #expect(second.status == 2 && second.messages.contains("the config makes it"), "\(second.messages)")
    let third = try run("third", "--init-from", "\(folder.path)/nothing")
    #expect(third.status == 2 && third.messages.contains("there is no run here"))
    let made = try FileManager.default.contentsOfDirectory(atPath: String(origin.dropLast("/first".count)))
    #expect(made == ["first"])
  }
}
