import Configuration
import Foundation
import Inference
import Tensors

@testable import Experiments

/// A folder of its own, removed with its last user.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("airframe-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file and returns its path.
  @discardableResult
  func write(_ bytes: some Sequence<UInt8>, to name: String) throws -> String {
    let file = "\(path)/\(name)"
    try Data(Array(bytes)).write(to: URL(fileURLWithPath: file))
    return file
  }
}

/// The package's root, from where this file was compiled.
let repository = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

/// The folder of downloaded data, named by the environment variable AIRFRAME_DATA.
let dataFolder = ProcessInfo.processInfo.environment["AIRFRAME_DATA"]

/// The paths of the YAML files below a folder of the repository, relative to the repository, sorted.
func yamlFiles(below folder: String) -> [String] {
  let path = URL(fileURLWithPath: "\(repository)/\(folder)").resolvingSymlinksInPath().path
  let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
  return names.filter { $0.hasSuffix(".yaml") }.map { "\(folder)/\($0)" }.sorted()
}

/// A training of milliseconds: every part, six lines of metrics, three evaluations, three checkpoints.
let tinyConfig = """
  model:
    name: air
    steps: 2
    glimpse: 6
    controller: { hidden: 6 }
    head: [6]
    window: { scale_prior: { mean: 0.4, deviation: 0.1 } }
    appearance: { name: gaussian, size: 3, encoder: [6], decoder: [6] }
  dataset:
    name: multi-sprites
    side: 16
    counts: { 0: 20, 1: 20, 2: 20 }
    diameter: { smallest: 5, largest: 7 }
    validation_size: 12
    test_size: 12
  estimator: { name: nvil, centering: true, variance_normalization: true, baseline: { hidden: 5, layers: [4] } }
  training: { steps: 24, batch: 4, threads: 1, log_every: 4, evaluate_every: 8, checkpoint_every: 8, picture_every: 12 }
  evaluation: { batch: 5 }
  """

/// The tiny config, with `key=value` on top.
func tiny(_ overrides: String...) throws -> RunConfig { try tiny(overrides) }

func tiny(_ overrides: [String]) throws -> RunConfig {
  try ConfigurationFile.load(RunConfig.self, text: tinyConfig, name: "tiny.yaml", overrides: overrides).value
}

/// A folder for a run, made and empty.
func emptyRun(_ path: String) throws -> RunFolder {
  let run = try RunFolder(planning: path)
  try run.make()
  return run
}

/// The workbench of a config whose dataset needs no files.
func workbench(_ config: RunConfig) throws -> Workbench { try Workbench(config, dataFolder: "/dev/null") }

extension Workbench {
  /// Everything that a checkpoint holds, by name.
  var values: [String: [Float]] {
    Dictionary(uniqueKeysWithValues: state.map { ($0.name, $0.tensor.tensor.array()) })
  }

  /// One training step on given images.
  @discardableResult
  func train(on images: Tensor, at step: Int) -> Estimate {
    let estimate = estimator.estimate(regularized, images, at: step, noise: noise(at: step))
    let slopes = estimate.gradients(for: parameters)
    _ = update(with: slopes, at: step)
    return estimate
  }
}

/// The lines of a run's `metrics.jsonl`.
func metricLines(_ run: String) throws -> [JSON] {
  let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(run)/metrics.jsonl"))
  return try bytes.split(separator: UInt8(ascii: "\n")).map { try JSON(parsing: $0) }
}

/// The words of what `work` throws; empty where it throws nothing.
func complaint(of work: () throws -> Void) -> String {
  do { try work() } catch { return "\(error)" }
  return ""
}

/// Random moments at which a test disturbs a program: other ones each time, from a seed that is printed and that the
/// environment variable AIRFRAME_TEST_SEED sets again (SplitMix64).
struct Moments: RandomNumberGenerator {
  private var state: UInt64

  init(_ test: String) {
    let set = ProcessInfo.processInfo.environment["AIRFRAME_TEST_SEED"].flatMap { UInt64($0) }
    state = set ?? .random(in: 0 ... .max)
    print("\(test): AIRFRAME_TEST_SEED=\(state)")
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}
