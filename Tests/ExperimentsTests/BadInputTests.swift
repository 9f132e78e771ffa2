import Foundation
import Testing

@testable import Experiments

/// Configs and arguments that cannot be used, given to the program as a user would: the place, the value and the next step
/// are told, the exit status is 2, it takes no time, and the folder is left as it was.
struct BadInputTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(tinyConfig.utf8, to: "tiny.yaml")
  }

  private func check(_ complaint: Complaint, sourceLocation: SourceLocation = #_sourceLocation) throws {
    try complaint.check(in: folder, sourceLocation: sourceLocation)
  }

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
    (
      "regularizers: [{ name: information }]\n",
      "bad.yaml:1:15: 'regularizers' 'information' is about memory slots, which model 'air' has none of",
      "set model.appearance.name to memory"
    ),
    (
      "model: { name: dm-vae }\nregularizers: [{ name: balance }, { name: balance, weight: 2 }]\n",
      "bad.yaml:2:15: 'regularizers' names 'balance' twice", "give it the weight of both"
    ),
    (
      "regularizers: [{ name: informaton }]\n", "bad.yaml:1:24: unknown regularizer 'informaton'",
      "did you mean 'information'?"
    ),
    (
      "model: { name: discrete-air, appearance: { name: category, categories: 1 } }\n",
      "'model.appearance.categories' is 1, outside its range", "2 to 4096"
    ),
    (
      "model: { name: discrete-air, glimpse: 30, appearance: { name: category, upsampling: [8, 4] } }\n",
      "bad.yaml:1:55: 'model.appearance' has 2 maps in 'upsampling', but a 'glimpse' of 30 pixels cannot be made",
      "name fewer maps, or a glimpse that is a multiple of 2^2"
    ),
    (
      "regularizers: [{ name: kl_weights, slot: 2 }]\n",
      "bad.yaml:1:15: 'regularizers' 'kl_weights' sets 'slot', which model 'air' with appearance 'gaussian' does not have",
      "presence, window, appearance"
    ),
    (
      "regularizers: [{ name: count }]\n", "'regularizers[0].counts' is empty", "name the numbers that a scene may have"
    ),
    (
      "regularizers: [{ name: count, counts: [-1] }]\n", "'regularizers[0].counts[0]' is -1, outside its range",
      "0 to 64"
    ),
    (
      "regularizers: [{ name: count, counts: [1, 4] }]\n", "'count' allows 4 objects, but the model has 3 steps",
      "raise model.steps"
    ),
    (
      "regularizers: [{ name: overlap }]\n", "'overlap' asks something of every step's window",
      "set model.presence to always, and model.steps to the number of objects"
    ),
    (
      "model: { presence: always }\nregularizers: [{ name: overlap, smallest: 16 }]\n",
      "'regularizers[0].smallest' 16.0 exceeds largest (15.0)", "exchange the two"
    ),
    (
      "model: { presence: always }\nregularizers: [{ name: count, counts: [1] }]\n",
      "'count' is about presences, but model.presence is 'always'", "set it to inferred"
    ),
    (
      "model: { name: mvae, objects: 65 }\ndataset: { name: multi-dsprites }\n",
      "bad.yaml:1:8: 'model' does not suit the images of the dataset: objects is 65, but the encoder has 8 x 8 places",
      "lower 'objects' to 64, or pool less in 'encoder.pooling'"
    ),
    (
      "model: { name: vae }\ndataset: { name: multi-dsprites, side: 36 }\n",
      "'model' does not suit the images of the dataset: encoder.convolutions.2 pools 2 x 2 pixels, which does not divide",
      "or the images' size to a multiple of 8"
    ),
    (
      "model: { name: mvae, decoder: { object: [8, 8, 8, 8, 8, 8] } }\ndataset: { name: multi-dsprites }\n",
      "decoder.object doubles maps 6 times", "make the images' size a multiple of 128"
    ),
    (
      "model: { name: mvae, encoder: { side: 4 } }\n",
      "bad.yaml:1:39: 'model.encoder.side' is 4; kernels need an odd side", "such as 5"
    ),
    (
      "model: { name: mvae, encoder: { channels: [32, 0, 64, 64] } }\n",
      "'model.encoder.channels[1]' is 0, outside its range", "1 to 4096"
    ),
    (
      "model: { name: mvae, encoder: { channels: [32, 64] } }\n",
      "'model.encoder.pooling' has 4 numbers for the 2 convolutions of 'channels'", "name one each"
    ),
    ("dataset: { counts: {} }\n", "bad.yaml:1:20: 'dataset.counts' has no scenes", "counts"),
    ("extends: bad.yaml\n", "bad.yaml:1:10: 'extends' runs in a circle", "bad.yaml -> bad.yaml"),
    (
      "extends: no/base.yaml\n", "bad.yaml:1:10: cannot read 'no/base.yaml': No such file",
      "'extends' is relative to the folder of this file"
    ),
    ("model: { name: air\ntraining: ]\n", "bad.yaml:2:9: broken YAML", "did not find expected ',' or '}'"),
    ("model:\n\tname: air\n", "bad.yaml:2:1: broken YAML", "indent with spaces, not with tabs"),
    ("model: !!map {}\n", "bad.yaml:1:8: tags such as !!str are not used here", "put text in quotes"),
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
      "train", "tiny.yaml", "training..steps=1", place: "'training..steps' is not a key",
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
  func unusableArgumentsAreRefused(_ complaint: Complaint) throws { try complaint.check(in: folder) }
}
