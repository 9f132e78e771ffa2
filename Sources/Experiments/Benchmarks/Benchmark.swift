import Configuration

/// What is measured, and for how long.
public struct BenchmarkOptions: Sendable {
  public var threads = 2
  /// About how long to measure, in seconds.
  public var seconds = 10.0
  public var dataFolder = "data"
  /// `key=value` on top of the benchmark's config.
  public var keys: [String] = []
  /// Only rows whose names hold this text; for `kernels`.
  public var filter: String?

  public init() {}
}

/// A measurement that `airframe bench` offers (docs/performance.md).
public struct Benchmark: Sendable {
  public let name: String
  public let summary: String
  /// Whether it trains a config, whose keys can be set.
  public let hasKeys: Bool
  private let body: @Sendable (BenchmarkOptions) throws -> BenchmarkResult

  private init(
    _ name: String, _ summary: String, hasKeys: Bool = false,
    _ body: @escaping @Sendable (BenchmarkOptions) throws -> BenchmarkResult
  ) {
    (self.name, self.summary, self.hasKeys, self.body) = (name, summary, hasKeys, body)
  }

  /// All benchmarks, one line each.
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

  /// Throws `RunError` where an option is not for this benchmark, and what is wrong with keys and data.
  public func run(_ options: BenchmarkOptions) throws -> BenchmarkResult {
    if !hasKeys, let key = options.keys.first { throw RunError("'\(key)': bench \(name) has no keys to set") }
    if name != "kernels", options.filter != nil { throw RunError("--filter is for bench kernels; leave it out") }
    let load = MachineLoad()
    var result = try body(options)
    if let warning = load.warning { result.notes.append(warning) }
    return result
  }
}
