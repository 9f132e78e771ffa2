import Configuration
import Glibc
import Pictures

/// Times how long a user waits from the start of the program to its first trained step, and to its help text.
enum StartupBenchmark {
  /// The config of `configs/air/multi-mnist.yaml`, which writes metrics after each step and does no evaluation,
  /// checkpoint or picture.
  static let text = """
    model: { name: air, steps: 3 }
    dataset: { name: multi-mnist }
    estimator: { name: nvil, centering: true, baseline: { rate: 1e-3 } }
    training:
      steps: 1000000
      batch: 64
      log_every: 1
      evaluate_every: 0
      checkpoint_every: 0
      picture_every: 0
      optimizer: { name: adam, rate: { schedule: cosine, from: 3e-4, to: 3e-5, begin: 8000, end: 25000 } }
    """
  /// A start that takes longer than this many seconds counts as failed.
  private static let patience = 60.0

  static func run(_ options: BenchmarkOptions) throws -> BenchmarkResult {
    let keys = ["training.threads=\(options.threads)"] + options.keys
    _ = try ConfigurationFile.load(RunConfig.self, text: text, name: "bench startup", overrides: keys)
    let folder = try TemporaryFolder("airframe-bench")
    let config = "\(folder.path)/startup.yaml"
    try writeFileAtomically(Array(text.utf8), to: config)

    var table = BenchmarkResult.Table("startup", columns: ["ms_median", "ms_minimum", "ms_p90", "starts"])
    func add(_ name: String, _ samples: Samples) {
      table.add(name, 1000 * samples.median, 1000 * samples.minimum, 1000 * samples.p90, Double(samples.count))
    }
    let words =
      ["train", config, "--out", folder.path, "--data", options.dataFolder]
      + keys
    var starts = 0
    let first = try samples(for: options.seconds * 0.8) {
      starts += 1
      let name = "run-\(starts)"
      return try firstStep(
        words + ["--name", name], of: "\(folder.path)/\(FolderName.of(file: config))/\(name)",
        log: "\(folder.path)/log-\(starts)")
    }
    add("first trained step", first)
    add("help", try samples(for: options.seconds * 0.2) { try help(log: "\(folder.path)/help") })
    return BenchmarkResult("startup", options, tables: [table])
  }

  private static func samples(for duration: Double, _ measure: () throws -> Double) rethrows -> Samples {
    _ = try measure()  // The first run brings the files into the page cache.
    var samples = Samples()
    let end = monotonicSeconds() + duration
    while samples.count < 3 || monotonicSeconds() < end { samples.add(try measure()) }
    return samples
  }

  /// Seconds until the run has written its first line of metrics. Throws `RunError` if the run ends earlier.
  private static func firstStep(_ words: [String], of run: String, log: String) throws -> Double {
    let start = monotonicSeconds()
    let child = try ChildProcess(ownProgram(), words, output: log)
    defer { end(child) }
    var status = stat()
    while stat("\(run)/metrics.jsonl", &status) != 0 || status.st_size == 0 {
      if child.poll() != nil || monotonicSeconds() - start > patience {
        let message = (try? readFile(log)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        throw RunError("the training ended before its first step: \(message)")
      }
      usleep(200)
    }
    return monotonicSeconds() - start
  }

  private static func help(log: String) throws -> Double {
    let start = monotonicSeconds()
    let child = try ChildProcess(ownProgram(), ["--help"], output: log)
    while child.poll() == nil { usleep(50) }
    return monotonicSeconds() - start
  }

  /// Kills a program and waits for its end.
  static func end(_ child: ChildProcess) {
    child.send(SIGKILL)
    while child.poll() == nil { usleep(100) }
  }
}
