import Configuration
import Datasets
import Tensors

/// Times training steps of a model and reports how the time is spent. The AIR and MVAE models have the sizes of the
/// implementations that docs/performance.md compares.
enum StepBenchmark {
  /// Scenes that need no files. They leave as many pixels blank as multi-MNIST does, because that share decides the
  /// time of sparse products.
  private static let scenes = """
    { name: multi-sprites, side: 50, counts: { 0: 500, 1: 500, 2: 500 }, diameter: { smallest: 14, largest: 20 } }
    """
  private static let warmup = 10

  /// The config of the measured step. Throws `ConfigurationError` for keys that cannot be set.
  static func config(_ model: String, _ options: BenchmarkOptions) throws -> RunConfig {
    if model == "mvae" { return try mvae(options) }
    let text = """
      model: { name: \(model), steps: 3, glimpse: 28 }
      dataset: \(scenes)
      estimator: { name: nvil, centering: true, moving_average: 0.9, baseline: { layers: [] } }
      training: { batch: 64, threads: \(options.threads), optimizer: { name: adam, rate: 1e-4 } }
      """
    return try ConfigurationFile.load(
      RunConfig.self, text: text, name: "bench \(model)", overrides: options.keys
    ).value
  }

  /// The step of scripts/peers/mvae_torch.py, with every size written out.
  private static func mvae(_ options: BenchmarkOptions) throws -> RunConfig {
    let text = """
      model:
        name: mvae
        objects: 5
        size: 12
        encoder: { channels: [32, 32, 64, 64], pooling: [2, 2, 2, 1], side: 3, hidden: [64] }
        decoder: { dense: [256], maps: 16, object: [32, 32], scene: [32, 32], side: 3 }
        aggregation: max
      dataset: { name: multi-dsprites, side: 64 }
      estimator: { name: marginal }
      training: { batch: 64, threads: \(options.threads), optimizer: { name: adam, rate: 1e-3 } }
      """
    return try ConfigurationFile.load(RunConfig.self, text: text, name: "bench mvae", overrides: options.keys).value
  }

  static func run(_ model: String, _ options: BenchmarkOptions) throws -> BenchmarkResult {
    let steps = try TrainingSteps(config(model, options), dataFolder: options.dataFolder)
    for _ in 0..<warmup { steps.next() }
    let times = Samples.repeating(for: options.seconds) { steps.next() }
    let memory = peakMemory()
    // The profile reads the clock between the parts of a step, so it uses separate steps.
    var count = 0
    let end = monotonicSeconds() + options.seconds / 4
    let profile = Profile.record {
      while count < 3 || monotonicSeconds() < end {
        steps.next()
        count += 1
      }
    }
    var options = options
    options.threads = steps.config.training.threads
    return BenchmarkResult(
      model, options,
      tables: [step(model, times, profile, count), shares(profile, count), arithmetic(profile, count)]
        + [memoryTable(memory)])
  }

  private static func step(_ name: String, _ times: Samples, _ profile: Profile.Result, _ count: Int)
    -> BenchmarkResult.Table
  {
    var table = BenchmarkResult.Table(
      "step",
      columns: [
        "ms_per_step_median", "ms_per_step_minimum", "ms_per_step_p90", "steps_per_second", "gflop_per_second", "steps",
      ])
    let operations =
      (profile.denseOperations + profile.sparseOperations + profile.convolutionOperations) / Double(count)
    table.add(
      name, 1000 * times.median, 1000 * times.minimum, 1000 * times.p90, 1 / times.median,
      operations / times.median * 1e-9, Double(times.count))
    return table
  }

  private static func shares(_ profile: Profile.Result, _ count: Int) -> BenchmarkResult.Table {
    var table = BenchmarkResult.Table("shares", columns: ["ms_per_step", "share"])
    for part in Profile.Part.allCases {
      let seconds = profile.seconds[part] ?? 0
      table.add(part.words, 1000 * seconds / Double(count), seconds / profile.total)
    }
    return table
  }

  private static func arithmetic(_ profile: Profile.Result, _ count: Int) -> BenchmarkResult.Table {
    var table = BenchmarkResult.Table("arithmetic", columns: ["gflop_per_step", "gflop_per_second"])
    for (name, operations, part) in [
      ("dense products", profile.denseOperations, Profile.Part.products),
      ("sparse products", profile.sparseOperations, .sparseProducts),
      ("convolutions", profile.convolutionOperations, .convolutions),
    ] {
      let seconds = profile.seconds[part] ?? 0
      table.add(name, operations * 1e-9 / Double(count), operations > 0 ? operations * 1e-9 / seconds : nil)
    }
    table.add("left out for blank pixels", profile.skippedOperations * 1e-9 / Double(count), nil)
    return table
  }

  private static func memoryTable(_ megabytes: Double) -> BenchmarkResult.Table {
    var table = BenchmarkResult.Table("memory", columns: ["megabytes"])
    table.add("peak resident", megabytes)
    return table
  }
}

/// Runs the training steps of a config one after the other, without logs or files.
final class TrainingSteps {
  let config: RunConfig
  let workbench: Workbench
  private let batches: BatchLoader
  private let parameters: [Parameter]
  private var step = 0

  /// Throws the errors of the config or the data.
  init(_ config: RunConfig, dataFolder: String) throws {
    self.config = config
    try Threads.use(config.training.threads)
    workbench = try Workbench(config, dataFolder: dataFolder)
    batches = try workbench.batches(from: 0)
    parameters = workbench.parameters
  }

  /// The next batch of scenes.
  func batch() -> Batch { Profile.measure(.batches) { batches.next() } }

  /// Runs one training step.
  func next() {
    let batch = batch()
    let estimate = workbench.estimator.estimate(
      workbench.regularized, batch.images, at: step, noise: workbench.noise(at: step))
    let slopes = estimate.gradients(for: parameters)
    _ = workbench.update(with: slopes, at: step)
    step += 1
  }
}

extension Profile.Part {
  /// The name of the part in tables.
  var words: String {
    switch self {
    case .products: "products"
    case .sparseProducts: "sparse products"
    case .convolutions: "convolutions"
    case .sampling: "sampling"
    case .kernels: "other kernels"
    case .optimizer: "optimizer"
    case .batches: "waiting for batches"
    case .other: "other"
    }
  }
}
