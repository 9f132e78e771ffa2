import Foundation
import Pictures
import Testing

/// The program, as a shell would run it.
struct CommandLineTests {
  private let folder: TemporaryFolder
  private let config: String

  init() throws {
    folder = try TemporaryFolder()
    config = try folder.write(tinyConfig.utf8, to: "tiny.yaml")
  }

  private struct Outcome { let status: Int32, output: String, messages: String }

  /// Runs `airframe`, which is built beside the tests.
  private func airframe(_ words: String...) throws -> Outcome { try run(words) }

  private func run(_ words: [String]) throws -> Outcome {
    let process = Process()
    let tests = URL(fileURLWithPath: CommandLine.arguments[0])
    process.executableURL = tests.deletingLastPathComponent().appendingPathComponent("airframe")
    process.arguments = words
    process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
    process.environment = ProcessInfo.processInfo.environment.filter { $0.key != "AIRFRAME_DATA" }
    let files = ["out", "err"].map { "\(folder.path)/\($0)-\(UUID().uuidString)" }
    for file in files { _ = FileManager.default.createFile(atPath: file, contents: nil) }
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: files[0]))
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: files[1]))
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationReason == .exit)
    let texts = try files.map { try String(contentsOfFile: $0, encoding: .utf8) }
    return Outcome(status: process.terminationStatus, output: texts[0], messages: texts[1])
  }

  @Test func helpGoesToTheOutputWithStatusZero() throws {
    for words in [["--help"], ["help"], []] {
      let help = try run(words)
      #expect(help.status == 0 && help.output.contains("usage: airframe COMMAND") && help.messages.isEmpty)
    }
    let help = try airframe("--help").output
    let commands = help.split(separator: "\n").filter { $0.hasPrefix("  ") }.compactMap {
      $0.split(separator: " ").first
    }
    #expect(
      Set(["train", "evaluate", "config", "data", "bench", "export-step"]).isSubset(of: commands.map(String.init)))
    for command in commands {
      let own = try airframe(String(command), "--help")
      #expect(own.status == 0 && own.output.contains("usage: airframe \(command)"), "\(command)")
      #expect(own.output.contains("example: airframe \(command)") && own.messages.isEmpty, "\(command)")
    }
  }

  @Test func anUnknownCommandIsAnUnusableArgument() throws {
    let outcome = try airframe("trian", config)
    #expect(outcome.status == 2 && outcome.output.isEmpty)
    #expect(outcome.messages.hasPrefix("airframe: unknown command 'trian'") && outcome.messages.contains("  train "))
  }

  @Test func unusableArgumentsAreNamedWithTheRightOnes() throws {
    for (words, message) in [
      (["train", "--nmae", "a", config], "unknown option --nmae (known: "), (["train"], "wanted CONFIG, found nothing"),
      (["train", config, "--name"], "--name needs a value"), (["train", config, "more"], "wanted CONFIG, found"),
      (["evaluate", folder.path, "--split", "tset"], "unknown split 'tset' (known: "),
      (["evaluate", folder.path], "no run stands here"), (["export-step", config], "--out FILE is missing"),
      (["evaluate", folder.path, "--step", "x"], "--step x: a whole number"),
      (["train", "nothing.yaml"], "nothing.yaml"), (["config", "chekc", config], "unknown action 'chekc'"),
    ] {
      let outcome = try run(words)
      #expect(outcome.status == 2, "\(words)")
      #expect(outcome.messages.hasPrefix("airframe: ") && outcome.messages.contains(message), "\(outcome.messages)")
    }
  }

  @Test func aMisspeltKeyIsNamedWithItsPlaceAndTheNearestKey() throws {
    try folder.write("model:\n  name: air\n  controller:\n    hiden: 8\n".utf8, to: "wrong.yaml")
    for words in [["train"], ["config", "check"]] {
      let outcome = try run(words + ["wrong.yaml"])
      #expect(outcome.status == 2 && outcome.output.isEmpty)
      #expect(outcome.messages.hasPrefix("airframe: wrong.yaml:4:5: unknown key 'hiden'"), "\(outcome.messages)")
      #expect(outcome.messages.contains("did you mean 'hidden'?"))
    }
    let override = try airframe("train", config, "training.setps=3")
    #expect(override.status == 2 && override.messages.contains("did you mean 'steps'?"))
  }

  @Test func missingDataIsNamedWithTheCommandThatFetchesIt() throws {
    let outcome = try airframe("train", "\(repository)/configs/air/multi-mnist.yaml", "--data", "\(folder.path)/none")
    #expect(outcome.status == 2)
    #expect(
      outcome.messages.contains("\(folder.path)/none/mnist/") && outcome.messages.contains("airframe data fetch mnist"))
    #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/runs"))
  }

  /// Two processes with two threads each, then an evaluation of what they left.
  @Test func aTrainingIsTheSameInEveryProcessAndItsRunIsEvaluated() throws {
    let overrides = [
      "training.threads=2", "training.batch=48", "model.controller.hidden=64", "training.steps=12",
    ]
    var runs: [String] = []
    for name in ["first", "second"] {
      let outcome = try run(["train", config, "--name", name] + overrides)
      #expect(outcome.status == 0, "\(outcome.messages)")
      let line = try #require(outcome.output.split(separator: "\n").first { $0.hasPrefix("run ") })
      #expect(outcome.output.hasPrefix("nelbo "))
      runs.append("\(folder.path)/\(line.dropFirst(4))")
    }
    for file in [
      "metrics.jsonl", "checkpoints/step-8.safetensors", "checkpoints/step-12.safetensors", "images/step-12.png",
    ] {
      let bytes = try runs.map { try Data(contentsOf: URL(fileURLWithPath: "\($0)/\(file)")) }
      #expect(bytes[0] == bytes[1], "\(file)")
    }
    let evaluation = try airframe("evaluate", runs[0], "--step", "8")
    #expect(evaluation.status == 0 && evaluation.output.hasPrefix("step 8\nnelbo "), "\(evaluation.messages)")
    #expect(try airframe("evaluate", runs[0], "--step", "9").status == 2)
    #expect(try airframe("train", config, "--name", "first").status == 2)
  }

  @Test func ownImagesAreExplainedAndScenesAreDrawn() throws {
    #expect(try airframe("train", config, "--name", "own", "training.steps=2").status == 0)
    let run = try #require(
      FileManager.default.subpathsOfDirectory(atPath: "\(folder.path)/runs").first { $0.hasSuffix("/own") })
    try folder.write(try Picture(width: 16, height: 16, channels: 1, fill: 90).png(), to: "photo.png")
    let printed = try airframe("infer", "runs/\(run)", "photo.png", "--format", "csv")
    #expect(printed.status == 0 && printed.output.hasPrefix("image,step,presence,left,"), "\(printed.messages)")
    let written = try airframe("infer", "runs/\(run)", "photo.png", "--out", "photo.json")
    #expect(written.status == 0 && written.output == "photo.json\n")
    let drawn = try airframe("sample", "runs/\(run)", "--objects", "1", "--count", "3", "--out", "scenes.png")
    #expect(drawn.status == 0 && drawn.output == "scenes.png\n", "\(drawn.messages)")
    let before = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix("no") }
    for (words, message) in [
      (["infer", "runs/\(run)"], "wanted RUN FILE"),
      (["infer", "runs/\(run)", "photo.png", "--format", "xml"], "--format xml: one of json, csv, npz"),
      (["infer", "runs/\(run)", "photo.png", "--format", "npz"], "--out FILE is missing"),
      (["infer", "runs/\(run)", "none.png", "--out", "no.json"], "none.png: no such file or folder"),
      (["sample", "runs/\(run)"], "--out FILE is missing"),
      (["sample", "runs/\(run)", "--out", "no.png", "--objects", "3"], "at most 2 objects"),
      (["sample", "runs/\(run)", "--out", "no.png", "--count", "0"], "--count 0: a whole number"),
    ] {
      let outcome = try self.run(words)
      #expect(outcome.status == 2 && outcome.messages.contains(message), "\(outcome.messages)")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix("no") } == before)
  }

  @Test func everyKeyIsShownAndWhatIsShownIsFine() throws {
    let shown = try airframe("config", "show", config, "training.seed=7")
    #expect(shown.status == 0 && shown.output.contains("seed: 7") && shown.output.contains("keep_checkpoints: 3"))
    try folder.write(shown.output.utf8, to: "shown.yaml")
    let checked = try airframe("config", "check", "shown.yaml")
    #expect(checked.status == 0 && checked.output == "shown.yaml: fine\n" && checked.messages.isEmpty)
  }
}
