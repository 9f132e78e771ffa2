import Configuration

/// The options of a benchmark.
public struct BenchmarkOptions: Sendable {
  public var threads = 2
  /// Approximate duration of the measurement, in seconds.
  public var seconds = 10.0
  public var dataFolder = "data"
  /// Overrides (`key=value`) of the benchmark's config.
  public var keys: [String] = []
  /// For `kernels`: measure only rows whose name contains this text.
  public var filter: String?

  public init() {}
}

/// A measurement that `airframe bench` offers (see docs/performance.md).
public struct Benchmark: Sendable {
  public let name: String
  public let summary: String
  /// Whether the benchmark trains a config, so that its keys can be set.
  public let hasKeys: Bool
  private let body: @Sendable (BenchmarkOptions) throws -> BenchmarkResult

  private init(
    _ name: String, _ summary: String, hasKeys: Bool = false,
    _ body: @escaping @Sendable (BenchmarkOptions) throws -> BenchmarkResult
  ) {
    (self.name, self.summary, self.hasKeys, self.body) = (name, summary, hasKeys, body)
  }

  /// All benchmarks, each with a one-line summary.
  public static let all = [
    Benchmark("air", "a training step of AIR", hasKeys: true) { try StepBenchmark.run("air", $0) },
    Benchmark("dair", "a training step of DAIR", hasKeys: true) { try StepBenchmark.run("dair", $0) },
    Benchmark("mvae", "a training step of MVAE", hasKeys: true) { try StepBenchmark.run("mvae", $0) },
    Benchmark("estimators", "a training step of AIR under every estimator", hasKeys: true, EstimatorBenchmark.run),
    Benchmark("data", "making scenes and batches", DataBenchmark.run),
    Benchmark(
      "startup", "from the start of the program to its first trained step", hasKeys: true, StartupBenchmark.run),
    Benchmark(
      "accuracy", "seconds of one core until AIR counts 97 and 98 % of scenes right, for five seeds (half an hour)",
      hasKeys: true, AccuracyBenchmark.run),
    Benchmark("kernels", "each product and kernel of the AIR step alone", KernelBenchmark.run),
  ]

  /// Runs the benchmark. Throws `RunError` for an option that this benchmark does not have, and the errors of keys and
  /// data.
  public func run(_ options: BenchmarkOptions) throws -> BenchmarkResult {
    if !hasKeys, let key = options.keys.first { throw RunError("'\(key)': bench \(name) has no keys to set") }
    if name != "kernels", options.filter != nil { throw RunError("--filter is for bench kernels; leave it out") }
    let load = MachineLoad()
    var result = try body(options)
    if let warning = load.warning { result.notes.append(warning) }
    return result
  }
}
