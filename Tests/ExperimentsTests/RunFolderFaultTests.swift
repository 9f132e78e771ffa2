import Configuration
import Foundation
import Testing

@testable import Experiments

/// Run folders whose files are missing, damaged, or something else than files, as every command meets them.
struct RunFolderFaultTests {
  enum Fault: String, CaseIterable, CustomTestStringConvertible {
    case deleted, empty, half, flipped, folder, link, twin, pipe
    var testDescription: String { rawValue }
  }

  private static let logs = ["metrics.jsonl", "timing.jsonl", "log.txt", "events"]
  private static let files =
    logs + [
      "config.yaml", "environment.json", "status.json", "summary.json", "evaluations/", "lock",
      "checkpoints/step-3.safetensors", "checkpoints/step-6.safetensors", "checkpoints", "images",
    ]

  private let folder: TemporaryFolder
  private let experiment: Experiment
  private var origin: String { "\(folder.path)/e/a/seed-0" }

  /// A finished cell of a sweep, and its evaluation.
  init() throws {
    folder = try TemporaryFolder()
    let config = try tiny(
      "training.steps=6", "training.checkpoint_every=3", "training.evaluate_every=3", "training.log_every=1",
      "training.picture_every=6", "evaluation.iwae_samples=2")
    try folder.write(Runner.text(of: config).utf8, to: "base.yaml")
    experiment = try Experiment(
      try folder.write("base: base.yaml\nseeds: [0]\nrows: { a: {} }\ncolumns: [nelbo]\n".utf8, to: "e.yaml"))
    try Training(try workbench(config), in: try RunFolder(planning: origin)).run()
    try Runner.evaluate(run: origin, split: .test, step: nil, overrides: [], dataFolder: "/dev/null").keep()
  }

  /// Every command that reads a run, by its name; the last one goes on with it.
  private func commands(_ base: String, _ path: String) -> [(name: String, run: () throws -> Void)] {
    [
      ("runs", { _ = try RunListing(below: path).text(RunListing(below: path).columns("all"), as: .csv) }),
      ("runs --diff", { _ = try RunDifference(path, origin).text }),
      ("table", { _ = try ResultTable(experiment, base: base).text(as: .text) }),
      (
        "figure curves",
        {
          try Curves.write(
            runs: [path], metric: "nelbo", against: .seconds, picture: nil, table: output("\(base)/c.csv"))
        }
      ),
      (
        "sample",
        { _ = try Runner.sample(run: path, count: 1, objects: 1, seed: 0, step: nil, dataFolder: "/dev/null") }
      ),
      (
        "evaluate",
        { try Runner.evaluate(run: path, split: .test, step: nil, overrides: [], dataFolder: "/dev/null").keep() }
      ),
      ("train --resume", { _ = try Runner.resume(run: path, overrides: [], dataFolder: "/dev/null") }),
    ]
  }

  /// Where a file of a run stands, whose name may have parts that differ from run to run.
  private func place(of file: String, in path: String) throws -> String {
    switch file {
    case "events": try #require(try EventFile.path(in: path))
    case "evaluations/": "\(path)/evaluations/" + (try #require(try fileNames(in: "\(path)/evaluations").first))
    default: "\(path)/\(file)"
    }
  }

  /// A copy of the run, as the cell of a sweep.
  private func copy(_ base: String) throws -> String {
    let path = "\(base)/e/a/seed-0"
    try FileManager.default.createDirectory(atPath: "\(base)/e/a", withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: origin, toPath: path)
    return path
  }

  /// The bytes of every regular file of a run that cannot be had again.
  private func precious(_ path: String) -> [String: Data] {
    let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
    var found: [String: Data] = [:]
    for name in names where name.hasPrefix("checkpoints/") || name.hasPrefix("events") || name.hasPrefix("metrics") {
      let type = try? FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")[.type] as? FileAttributeType
      if type == .typeRegular { found[name] = FileManager.default.contents(atPath: "\(path)/\(name)") }
    }
    return found
  }

  /// Puts a fault in the place of a file or folder; what a link leads to is called `victim`.
  private func spoil(_ path: String, _ fault: Fault, victim: String) throws {
    let files = FileManager.default
    var isFolder: ObjCBool = false
    #expect(files.fileExists(atPath: path, isDirectory: &isFolder))
    let bytes = isFolder.boolValue ? nil : try Data(contentsOf: URL(fileURLWithPath: path))
    if fault == .link || fault == .twin && bytes != nil {
      try files.moveItem(atPath: path, toPath: victim)
    } else {
      try files.removeItem(atPath: path)
    }
    let place = URL(fileURLWithPath: path)
    switch fault {
    case .deleted: break
    case .empty:
      if isFolder.boolValue {
        try files.createDirectory(atPath: path, withIntermediateDirectories: false)
      } else {
        try Data().write(to: place)
      }
    case .half: try (bytes.map { $0.prefix($0.count / 2) } ?? Data()).write(to: place)
    case .flipped:
      var bytes = bytes ?? Data("no folder".utf8)
      for index in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 16)) { bytes[index] ^= 0x11 }
      try bytes.write(to: place)
    case .folder: try files.createDirectory(atPath: path, withIntermediateDirectories: false)
    case .link: try files.createSymbolicLink(atPath: path, withDestinationPath: victim)
    case .twin:
      if bytes == nil { try Data().write(to: place) } else { try files.linkItem(atPath: victim, toPath: path) }
    case .pipe: #expect(mkfifo(path, 0o600) == 0)
    }
  }

  /// A command ends well, or with an error that names the run; it neither traps, nor waits for a pipe, nor changes what a
  /// link leads to. A training that does not go on has lost nothing.
  @Test(.timeLimit(.minutes(5)), arguments: files) func noFileOfARunCanBringDownACommand(_ file: String) throws {
    for fault in Fault.allCases {
      let base = "\(folder.path)/\(fault)"
      let path = try copy(base)
      let name = try place(of: file, in: path)
      let victim = "\(folder.path)/\(fault)-victim"
      try spoil(name, fault, victim: victim)
      let kept = FileManager.default.contents(atPath: victim)
      for (command, run) in commands(base, path) {
        let before = precious(path)
        let words = complaint(of: run)
        #expect(words.isEmpty || words.contains("seed-0"), "\(command), \(file) \(fault): \(words)")
        if command == "train --resume" {
          if !words.isEmpty { #expect(precious(path) == before, "\(file) \(fault): \(words)") }
          if Self.logs.contains(file), [.folder, .link, .twin, .pipe].contains(fault) {
            #expect(words.contains(name), "\(file) \(fault) was written to: \(words)")
          }
        }
      }
      if !["checkpoints", "images"].contains(file) {
        #expect(FileManager.default.contents(atPath: victim) == kept, "\(file) \(fault): the other file was changed")
      }
    }
  }

  /// Numbers that no training writes, wherever a file holds a number.
  @Test(arguments: [
    "9223372036854775807", "-9223372036854775808", "-1", "1e308", "-1e308", "1e-320", "99999999999999999999", "null",
    "\"7\"", "[1]", "{}",
  ])
  func numbersThatNoTrainingWritesBringDownNoCommand(_ number: String) throws {
    let base = "\(folder.path)/case"
    for file in ["status.json", "summary.json", "evaluations/", "environment.json", "metrics.jsonl", "timing.jsonl"] {
      let path = try copy(base)
      let place = try place(of: file, in: path)
      let text = try String(contentsOfFile: place, encoding: .utf8)
      let changed = text.replacing(#/(?<key>": )-?\d[\d.e+-]*/#) { "\($0.output.key)\(number)" }
      #expect(changed != text || file == "environment.json")
      try Data(changed.utf8).write(to: URL(fileURLWithPath: place))
      for (command, run) in commands(base, path) {
        let words = complaint(of: run)
        #expect(words.isEmpty || words.contains("seed-0"), "\(command), \(file): \(words)")
      }
      try FileManager.default.removeItem(atPath: base)
    }
  }

  /// What a checkpoint says of the logs, edited by hand: it is refused, and nothing is cut.
  @Test func aCheckpointThatSaysImpossibleThingsOfTheLogsIsRefused() throws {
    let path = "\(origin)/checkpoints/step-6.safetensors"
    try FileManager.default.removeItem(atPath: "\(origin)/checkpoints/step-3.safetensors")
    let contents = try SafeTensors.read(path)
    let log = try JSON(parsing: Array(try #require(contents.metadata["log"]).utf8))
    let before = precious(origin)
    let edits: [(key: String, value: JSON)] = [
      ("metrics", .integer(-1)), ("metrics", .integer(.max)), ("metrics", "7"), ("events", .null),
      ("events", .number(1.5)),
      ("sums", [["nelbo", 1.0, .integer(.max)]]), ("sums", [["nelbo", 1.0, 0]]), ("sums", 7),
      ("watch", ["dead_intervals": .integer(.max)]), ("watch", ["dead_intervals": -7]),
      ("best", ["metric": "nelbo", "step": .integer(.min), "value": 1.0]),
    ]
    for (key, value) in edits {
      var changed = log
      changed[key] = value
      let metadata = contents.metadata.merging(["log": changed.line]) { $1 }
      try SafeTensors.write(
        contents.tensors.map { ($0.key, $0.value) }, metadata: metadata.map { ($0.key, $0.value) }, to: path)
      let words = complaint { _ = try Runner.resume(run: origin, overrides: [], dataFolder: "/dev/null") }
      #expect(words.contains("cannot be used: what it says of the logs was changed"), "\(key) \(value.line): \(words)")
      let after = precious(origin).filter { !$0.key.hasPrefix("checkpoints") }
      #expect(after == before.filter { !$0.key.hasPrefix("checkpoints") })
    }
    for step in ["9223372036854775807", "-9223372036854775808", "5"] {
      try SafeTensors.write(
        contents.tensors.map { ($0.key, $0.value) },
        metadata: contents.metadata.merging(["step": step]) { $1 }.map { ($0.key, $0.value) }, to: path)
      for (command, run) in commands(folder.path, origin)
      where ["sample", "evaluate", "train --resume"].contains(command) {
        #expect(complaint(of: run).contains(path), "\(command) of step \(step)")
      }
    }
  }

  @Test(arguments: ["", "# nothing\n", "model: { name: air }\n", "training: { steps: 6 }\n"])
  func anEmptiedConfigIsTheFaultAndNotTheCheckpoint(_ text: String) throws {
    try folder.write(text.utf8, to: "e/a/seed-0/config.yaml")
    for (command, run) in commands(folder.path, origin)
    where ["sample", "evaluate", "train --resume"].contains(command) {
      #expect(complaint(of: run).hasPrefix("\(origin)/config.yaml: holds no '"), "\(command)")
    }
  }

  @Test func noCommandTakesACheckpointOfAnotherConfigOrCalledByAnotherStep() throws {
    let file = "\(origin)/config.yaml"
    let text = try String(contentsOfFile: file, encoding: .utf8)
    try Data(text.replacing("batch: 4", with: "batch: 3").utf8).write(to: URL(fileURLWithPath: file))
    for (command, run) in commands(folder.path, origin)
    where ["sample", "evaluate", "train --resume"].contains(command) {
      let words = complaint(of: run)
      #expect(words.contains("was made with training.batch 4, config.yaml says 3"), "\(command): \(words)")
    }
    // How long it trains may differ.
    try Data(text.replacing("steps: 6", with: "steps: 7").utf8).write(to: URL(fileURLWithPath: file))
    let last = "\(origin)/checkpoints/step-6.safetensors"
    for (command, run) in commands(folder.path, origin) where ["sample", "evaluate"].contains(command) {
      #expect(complaint(of: run) == "", "\(command)")
    }
    try FileManager.default.moveItem(atPath: last, toPath: "\(origin)/checkpoints/step-9.safetensors")
    for (command, run) in commands(folder.path, origin) where ["sample", "evaluate"].contains(command) {
      #expect(complaint(of: run).contains("was made after step 6, as it says itself"), "\(command)")
    }
  }

  /// What people share: parameters without optimizer, estimator, logs, config and step.
  @Test func parametersAloneDoForEverythingButGoingOn() throws {
    let path = "\(origin)/checkpoints/step-6.safetensors"
    let whole = try Runner.evaluate(run: origin, split: .test, step: 6, overrides: [], dataFolder: "/dev/null").result
    let tensors = try SafeTensors.read(path).tensors.filter { $0.key.hasPrefix("parameters/") }
    try FileManager.default.removeItem(atPath: "\(origin)/checkpoints/step-3.safetensors")
    try SafeTensors.write(tensors.map { ($0.key, $0.value) }, to: path)
    for (command, run) in commands(folder.path, origin) where ["sample", "evaluate"].contains(command) {
      #expect(complaint(of: run) == "", "\(command)")
    }
    let bare = try Runner.evaluate(run: origin, split: .test, step: 6, overrides: [], dataFolder: "/dev/null").result
    #expect(bare.scores.map(\.value) == whole.scores.map(\.value))
    try Checkpoint.initialize(try workbench(try tiny()), from: path)
    let words = complaint { _ = try Runner.resume(run: origin, overrides: [], dataFolder: "/dev/null") }
    #expect(words.contains("it holds parameters alone"), "\(words)")
  }

  /// An optimizer that overflowed does not matter to whoever only uses the model.
  @Test func parametersAreUsedWhateverTheOptimizerHolds() throws {
    let path = "\(origin)/checkpoints/step-6.safetensors"
    let contents = try SafeTensors.read(path)
    let tensors = contents.tensors.map { name, tensor in
      (name, name.hasPrefix("optimizer/") ? tensor.scaled(by: .infinity, plus: 1) : tensor)
    }
    try SafeTensors.write(tensors, metadata: contents.metadata.map { ($0.key, $0.value) }, to: path)
    for (command, run) in commands(folder.path, origin) where ["sample", "evaluate"].contains(command) {
      #expect(complaint(of: run) == "", "\(command)")
    }
    #expect(complaint { _ = try Checkpoint.restore(try workbench(try tiny()), from: path) }.contains("not finite"))
  }

  /// A config that was deleted does not make the rest free to be written over.
  @Test func whatIsLeftOfARunIsNotTrainedOver() throws {
    try FileManager.default.removeItem(atPath: "\(origin)/config.yaml")
    let before = precious(origin)
    let words = complaint { _ = try RunFolder(planning: origin) }
    #expect(words.contains("there is a run without its config.yaml here (metrics.jsonl)"), "\(words)")
    #expect(try RunFolder.claimFree("\(folder.path)/e/a", "seed-0").path == origin + "-2")
    #expect(precious(origin) == before && !before.isEmpty)
  }
}
