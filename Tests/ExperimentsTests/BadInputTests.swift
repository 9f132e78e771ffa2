import Foundation
import Pictures
import Tensors
import Testing

@testable import Experiments

/// Input that cannot be used, given to the program as a user would: the place, the value and the next step are told,
/// the exit status is 2, it takes no time, and the folder is left as it was.
@Suite struct BadInputTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(tinyConfig.utf8, to: "tiny.yaml")
  }

  /// What must stand in the message: a part that names the place and the value, and one that helps.
  struct Complaint: CustomTestStringConvertible {
    let arguments: [String]
    let place: String
    let help: String

    init(_ arguments: String..., place: String, help: String) {
      (self.arguments, self.place, self.help) = (arguments, place, help)
    }

    var testDescription: String { arguments.map { String($0.prefix(80)) }.joined(separator: " ") }
  }

  /// Runs the program with at most two seconds of processor time, ten under a sanitizer.
  ///
  /// Time on the wall would depend on the other tests; a limit by the shell ends the program by a signal.
  private func check(_ complaint: Complaint, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let before = try contents()
    let seconds = ProcessInfo.processInfo.environment["AIRFRAME_SANITIZER"] == nil ? 2 : 10
    let outcome = try Program.run(
      ["-c", "ulimit -t \(seconds); exec \"$0\" \"$@\"", Program.path] + complaint.arguments, in: folder.path,
      program: "/bin/sh")
    let told = outcome.messages
    #expect(!outcome.wasKilled && outcome.status == 2, "\(outcome)", sourceLocation: sourceLocation)
    #expect(outcome.output.isEmpty, sourceLocation: sourceLocation)
    #expect(told.hasPrefix("airframe: ") && told.utf8.count < 4_000, "\(told)", sourceLocation: sourceLocation)
    #expect(told.contains(complaint.place), "\(told)", sourceLocation: sourceLocation)
    #expect(told.contains(complaint.help), "\(told)", sourceLocation: sourceLocation)
    #expect(try contents() == before, "files were left", sourceLocation: sourceLocation)
  }

  /// All files and folders below the folder, with their sizes.
  private func contents() throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted().map { name in
      "\(name) \(try FileManager.default.attributesOfItem(atPath: "\(folder.path)/\(name)")[.size] ?? 0)"
    }
  }

  // MARK: Configs

  /// Files by name, each with what is said of it.
  private static let configs: [(text: String, place: String, help: String)] = [
    (
      "training:\n  setps: 3\n", "bad.yaml:2:3: unknown key 'setps' in training",
      "did you mean 'steps'? (keys: steps, batch, "
    ),
    (
      "training: { steps: 3 }\ntraining: { steps: 4 }\n", "bad.yaml:2:1: 'training' is set a second time",
      "(first in line 1); keep one of the two"
    ),
    (
      "training:\n  steps: ten\n", "bad.yaml:2:10: 'training.steps' must be an integer, not the text 'ten'",
      "(for example steps: 1)"
    ),
    ("training:\n  batch: [4]\n", "bad.yaml:2:10: 'training.batch' must be an integer, not a list", "for example"),
    ("training: 5\n", "bad.yaml:1:11: 'training' must be a section", "for example training: { steps: ... }"),
    ("training:\n  steps: 0\n", "bad.yaml:2:10: 'training.steps' is 0, outside its range", "1 to 1000000000"),
    ("dataset: { side: -3 }\n", "bad.yaml:1:18: 'dataset.side' is -3, outside its range", " to 256"),
    ("model: { glimpse: 0 }\n", "bad.yaml:1:19: 'model.glimpse' is 0, outside its range", "2 to 256"),
    ("training: { seed: 99999999999999999999 }\n", "bad.yaml:1:19: 'training.seed' is 99999999999999999999", "0 to "),
    ("estimator: { name: nvli }\n", "bad.yaml:1:20: unknown estimator 'nvli'", "did you mean 'nvil'? (known: nvil, "),
    ("dataset: { name: mnits }\n", "bad.yaml:1:18: unknown dataset 'mnits'", "(known: multi-mnist, "),
    ("dataset: { counts: {} }\n", "bad.yaml:1:20: 'dataset.counts' has no scenes", "counts"),
    ("extends: bad.yaml\n", "bad.yaml:1:10: 'extends' runs in a circle", "bad.yaml -> bad.yaml"),
    (
      "extends: no/base.yaml\n", "bad.yaml:1:10: cannot read 'no/base.yaml': No such file",
      "'extends' is relative to the folder of this file"
    ),
    ("model: { name: air\ntraining: ]\n", "bad.yaml:2:9: broken YAML", "did not find expected ',' or '}'"),
    ("model:\n\tname: air\n", "bad.yaml:2:1: broken YAML", "indent with spaces, not with tabs"),
    ("model: !!map {}\n", "bad.yaml:1:8: tags such as !!str are not used here", "text stands in quotes"),
    ("a: 1\n---\nb: 2\n", "bad.yaml:2:1: a second document starts here", "a config is one document"),
    (
      "- 1\n", "bad.yaml:1:1: expected a map of keys at the top level, found a list", "for example model: { name: ... }"
    ),
    (String(repeating: "[", count: 10 << 20), "bad.yaml: is larger than 4 MB", "too large for a config"),
    (String(repeating: "[", count: 3 << 20), "bad.yaml:1:65: nested deeper than 64 levels", "64"),
    (String(repeating: "{a: ", count: 1 << 20), "bad.yaml:1:257: nested deeper than 64 levels", "64"),
    (bomb, "more than 10000 values, counting what aliases repeat", "a config holds fewer"),
    (
      (0..<9_000).map { "key\($0): 1\n" }.joined(), "bad.yaml:1:1: unknown key 'key0' at the top level",
      "9000 unknown keys in all"
    ),
  ]

  /// Nine levels of lists, each nine times the one before: 9^9 values.
  private static let bomb =
    "a0: &a0 [x]\n"
    + (1...9).map { level in
      "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ","))]\n"
    }.joined()

  @Test(arguments: configs.indices) func unusableConfigsAreRefused(_ index: Int) throws {
    let (text, place, help) = Self.configs[index]
    try folder.write(text.utf8, to: "bad.yaml")
    try check(Complaint("train", "bad.yaml", place: place, help: help))
    try check(Complaint("config", "check", "bad.yaml", place: place, help: help))
  }

  @Test func bytesThatAreNoTextAreRefused() throws {
    try folder.write(Array("model:\n  name: ".utf8) + [0xFF, 0xFE], to: "bad.yaml")
    try check(Complaint("train", "bad.yaml", place: "bad.yaml:2:9: is not UTF-8 text", help: "save it as UTF-8"))
    try folder.write([0xFF] + (0..<100_000).map { UInt8(0x80 + $0 * 7 % 0x80) }, to: "bad.yaml")
    try check(Complaint("train", "bad.yaml", place: "bad.yaml:1:1: is not UTF-8 text", help: "save it as UTF-8"))
    try folder.write([0], to: "bad.yaml")
    try check(Complaint("train", "bad.yaml", place: "bad.yaml:1:1: broken YAML", help: "control characters"))
  }

  @Test(arguments: [
    Complaint("train", "none.yaml", place: "cannot read 'none.yaml'", help: "No such file"),
    Complaint("train", ".", place: "cannot read '.'", help: "Is a directory"),
    Complaint(
      "train", "tiny.yaml", "training.sede=1", place: "override 'training.sede=1': unknown key 'sede'",
      help: "did you mean 'seed'?"),
    Complaint(
      "train", "tiny.yaml", "training.steps=", place: "override 'training.steps=': 'training.steps' must be an integer",
      help: "for example"),
    Complaint(
      "train", "tiny.yaml", "training..steps=1", place: "'training..steps' is no key",
      help: "for example training.steps"),
    Complaint(
      "train", "tiny.yaml", String(repeating: "a.", count: 50_000) + "a=1", place: "override 'a.a.",
      help: "more than 64 keys joined by dots"),
    Complaint(
      "train", "tiny.yaml", "training.seed=" + String(repeating: "[", count: 100_000),
      place: "override 'training.seed=[[", help: "nested deeper than 64 levels"),
    Complaint(
      "train", "tiny.yaml", "training.batch=61", place: "a batch of 61 does not fit 60 training scenes",
      help: "lower training.batch or raise dataset.counts"),
    Complaint(
      "train", "tiny.yaml", "dataset.validation_size=0", place: "has no validation scenes",
      help: "raise dataset.validation_size"),
    Complaint(
      "train", "tiny.yaml", "--out", "tiny.yaml/runs", place: "tiny.yaml/runs: the folder cannot be made",
      help: "Not a directory; choose a place"),
    Complaint(
      "train", "tiny.yaml", "--out", "/proc/runs", place: "/proc/runs: the folder cannot be made",
      help: "choose a place that can be written with --out"),
  ])
  func unusableArgumentsAreRefused(_ complaint: Complaint) throws { try check(complaint) }

  // MARK: Data

  /// IDX data: magic number, sizes, values.
  private func idx(_ sizes: [Int], _ values: [UInt8], type: UInt8 = 8) -> [UInt8] {
    let header = sizes.flatMap { size in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: size >> $0) } }
    return [0, 0, type, UInt8(sizes.count)] + header + values
  }

  /// A small stand-in for MNIST; `damage` replaces a file's bytes.
  private func writeDigits(_ damage: [String: [UInt8]]) throws {
    let place = "\(folder.path)/data/mnist"
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    for (name, count) in [("train", 12), ("t10k", 6)] {
      let images = try Gzip.compress(idx([count, 28, 28], [UInt8](repeating: 200, count: count * 784)))
      let labels = try Gzip.compress(idx([count], (0..<count).map { UInt8($0 % 10) }))
      for (file, bytes) in [("\(name)-images-idx3", images), ("\(name)-labels-idx1", labels)] {
        let file = "\(file)-ubyte.gz"
        try Data(damage[file] ?? bytes).write(to: URL(fileURLWithPath: "\(place)/\(file)"))
      }
    }
    let config = "dataset: { name: multi-mnist, counts: { 0: 4, 1: 4 }, validation_size: 4 }\ntraining: { batch: 2 }\n"
    try folder.write(config.utf8, to: "digits.yaml")
  }

  private static let images = "train-images-idx3-ubyte.gz"
  private static let labels = "train-labels-idx1-ubyte.gz"

  @Test func damagedDigitsAreRefused() throws {
    let pixels = [UInt8](repeating: 200, count: 12 * 784)
    let whole = try Gzip.compress(idx([12, 28, 28], pixels))
    let cases: [(file: String, bytes: [UInt8], problem: String)] = [
      (Self.images, [], "is not gzip data (starts with nothing, expected 1f 8b)"),
      (Self.images, Array("hello".utf8), "is not gzip data (starts with 68 65, expected 1f 8b)"),
      (Self.images, Array(whole.prefix(whole.count / 2)), "the compressed data ends too early"),
      (Self.images, whole.dropLast(8) + [1, 2, 3, 4, 5, 6, 7, 8], "the compressed data is damaged"),
      (Self.images, try Gzip.compress([1, 2, 3, 4]), "is not IDX data: starts with 01 02 03 04, expected 00 00 08"),
      (Self.images, try Gzip.compress(idx([12, 28, 28], pixels, type: 13)), "holds values of type 0d, expected 08"),
      (Self.images, try Gzip.compress(idx([12, 28, 28], pixels.dropLast())), "holds 9407 values after the header"),
      (
        Self.images, try Gzip.compress(idx([0xFFFF_FFFF, 28, 28], pixels)),
        "expected 3367254359280 bytes for 4294967295 x 28 x 28"
      ),
      (
        Self.images, try Gzip.compress(idx([12, 27, 28], [UInt8](repeating: 0, count: 12 * 27 * 28))),
        "holds shape [12, 27, 28], expected [digits, 28, 28]"
      ),
      (Self.labels, try Gzip.compress(idx([11], [UInt8](repeating: 1, count: 11))), "holds shape [11], expected [12]"),
      (
        Self.labels, try Gzip.compress(idx([12], [UInt8](repeating: 11, count: 12))),
        "holds the label 11, expected 0 to 9"
      ),
    ]
    for (file, bytes, problem) in cases {
      try writeDigits([file: bytes])
      try check(
        Complaint("train", "digits.yaml", "--data", "data", place: "data/mnist/\(file): ", help: "fetch the file again")
      )
      try check(Complaint("train", "digits.yaml", "--data", "data", place: problem, help: "; fetch the file again"))
    }
  }

  @Test func missingDigitsAreNamedWithTheCommandThatFetchesThem() throws {
    try writeDigits([:])
    try FileManager.default.removeItem(atPath: "\(folder.path)/data/mnist/\(Self.labels)")
    let (place, help) = ("data/mnist/\(Self.labels): no such file", "run `airframe data fetch mnist`")
    try check(Complaint("train", "digits.yaml", "--data", "data", place: place, help: help))
    try check(
      Complaint("data", "preview", "multi-mnist", "--out", "out.png", "--data", "data", place: place, help: help))
  }

  // MARK: Checkpoints

  /// The run of a finished training; its newest checkpoint is at step 8.
  private func makeRun() throws -> String {
    let outcome = try Program.run(
      ["train", "tiny.yaml", "training.steps=8", "training.checkpoint_every=4", "--out", "runs", "--name", "a"],
      in: folder.path)
    #expect(outcome.status == 0, "\(outcome.messages)")
    return "runs/tiny/a"
  }

  private func header(_ length: UInt64, _ text: String, data: Int = 0) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + text.utf8 + [UInt8](repeating: 0, count: data)
  }

  @Test func damagedAndHostileCheckpointsAreRefused() throws {
    let run = try makeRun()
    let path = "\(folder.path)/\(run)/checkpoints/step-8.safetensors"
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    let contents = try SafeTensors.read(path)
    func changed(metadata: [String: String] = [:], _ change: (String, Tensor) -> Tensor? = { $1 }) -> [UInt8] {
      SafeTensors.encode(
        contents.tensors.sorted { $0.key < $1.key }.compactMap { name, tensor in change(name, tensor).map { (name, $0) }
        },
        metadata: contents.metadata.merging(metadata) { $1 }.map { ($0.key, $0.value) })
    }
    let entry = { (name: String, begin: Int, end: Int) in
      "\"\(name)\":{\"dtype\":\"F32\",\"shape\":[\((end - begin) / 4)],\"data_offsets\":[\(begin),\(end)]}"
    }
    let overlap = "{\(entry("a", 0, 8)),\(entry("b", 4, 12))}"
    let weight = "parameters/head.output.weight"
    let cases: [(bytes: [UInt8], problem: String)] = [
      ([], "0 bytes are too few for a header"),
      (Array(whole.prefix(whole.count / 2)), " spans bytes "),
      (Array(whole.dropLast()), " spans bytes "),
      (whole + [0], "1 bytes belong to no tensor"),
      (header(1 << 60, "{}"), "the header claims 1152921504606846976 bytes of 2"),
      (header(UInt64(overlap.utf8.count), overlap, data: 12), "its data has a gap or an overlap at byte 8"),
      (header(100_000, String(repeating: "[", count: 100_000)), "its header is not JSON: nesting is too deep"),
      (changed(metadata: ["step": "-1"]), "does not say after which step it was made"),
      (changed(metadata: ["log": "{"]), "what this checkpoint says of the logs is not JSON"),
      (changed(metadata: ["config": "training: ["]), "(its config):2:1: broken YAML"),
      (changed { $0 == weight ? nil : $1 }, "\(weight) is missing in this checkpoint"),
      (changed { $0 == weight ? $1.reshaped([1] + $1.shape) : $1 }, "\(weight) has shape [1, "),
      (
        changed { $0 == weight ? Tensor(repeating: .nan, shape: $1.shape) : $1 },
        "\(weight) holds values that are not finite numbers"
      ),
    ]
    for (bytes, problem) in cases {
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      try check(
        Complaint("evaluate", run, place: "\(run)/checkpoints/step-8.safetensors", help: "choose --step of: 4"))
      try check(Complaint("evaluate", run, "--split", "validation", place: problem, help: "--step"))
    }
    let other = try Program.run(["evaluate", run, "--step", "4"], in: folder.path)
    #expect(other.status == 0 && other.output.hasPrefix("step 4\n"), "\(other.messages)")
  }
}
