import Foundation
import Pictures
import Tensors
import Testing

@testable import Experiments

/// Data, own images and checkpoints that are missing, damaged or hostile, as `BadInputTests` for configs.
struct DamagedFileTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(tinyConfig.utf8, to: "tiny.yaml")
  }

  private func check(_ complaint: Complaint, sourceLocation: SourceLocation = #_sourceLocation) throws {
    try complaint.check(in: folder, sourceLocation: sourceLocation)
  }

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
      (Self.images, [], "is not gzip data: it is empty"),
      (Self.images, Array("hello".utf8), "is text, not gzip data"),
      (Self.images, Array(whole.prefix(whole.count / 2)), "the compressed data ends too early"),
      (Self.images, whole.dropLast(8) + [1, 2, 3, 4, 5, 6, 7, 8], "the compressed data is damaged"),
      (Self.images, try Gzip.compress([1, 2, 3, 4]), "is not IDX data: it starts with 01 02 03 04"),
      (Self.images, try Gzip.compress(idx([12, 28, 28], pixels, type: 13)), "holds values of type 0d, expected 08"),
      (Self.images, try Gzip.compress(idx([12, 28, 28], pixels.dropLast())), "holds 9407 values after the header"),
      (
        Self.images, try Gzip.compress(idx([0xFFFF_FFFF, 28, 28], pixels)),
        "says that it holds 3367254359280 values, the limit is"
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

  // MARK: Own images

  @Test func unusableImagesAreNamed() throws {
    let run = try makeRun()
    let picture = Picture(width: 16, height: 16, channels: 1, fill: 90)
    let png = try picture.png()
    let images = NPY(shape: [2, 16, 16], .uint8([UInt8](repeating: 9, count: 512)))
    let archive = try NPZ.bytes([("images", images)])
    let small = try Picture(width: 9, height: 7, channels: 1).png()
    let cases: [(name: String, bytes: [UInt8], problem: String, help: String)] = [
      ("a.png", [], "a.png: an empty file is not a PNG", "fetch or make the file again"),
      (
        "a.png", Array("This is no picture.".utf8), "a.png: is text, not a readable PNG",
        "fetch or make"
      ),
      ("a.png", png.dropLast(20), "a.png: is a broken PNG: ends at byte", "fetch or make the file again"),
      ("a.png", small, "a.png: is 7 x 9 pixels, wanted 16 x 16", "resize it"),
      ("a.npz", archive.dropLast(), "a.npz: is not a zip archive, or was cut short", "fetch the archive again"),
      ("a.npz", try NPZ.bytes([("other", images)]), "a.npz: holds no array 'images' (arrays: other)", "numpy.savez"),
    ]
    for (name, bytes, problem, help) in cases {
      try folder.write(bytes, to: name)
      try check(Complaint("infer", run, name, place: problem, help: help))
      try check(Complaint("infer", run, "./" + name, "--out", "out.json", place: problem, help: help))
    }
    try check(Complaint("infer", run, "none.png", place: "none.png: no such file", help: "name a folder of PNG files"))
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
