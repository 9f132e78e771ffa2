import Configuration
import Glibc
import Pictures

/// Times how long AIR takes on one core, from the start of the program, to count the digits of held-out scenes.
///
/// Every training is a separate process on one core. Its evaluations are part of the time. It ends when it has reached
/// the last goal, or after its last step.
enum AccuracyBenchmark {
  /// The config of `configs/air/multi-mnist-fast.yaml`.
  static let text = """
    model: { name: air, steps: 3 }
    dataset: { name: multi-mnist, counts: { 0: 200000, 1: 200000, 2: 200000 } }
    estimator: { name: marginal }
    training:
      steps: 2000
      batch: 64
      evaluate_every: 100
      optimizer:
        name: adam
        second_decay: 0.99
        rate: { schedule: cosine, from: 1e-3, to: 1e-4, begin: 400, end: 1500 }
    """

  private static let goals = [0.97, 0.98]
  private static let seeds = 0..<5
  private static let estimators = ["marginal", "nvil"]

  /// For each goal, the seconds since the start of a training and the steps after which it was reached.
  private struct Outcome {
    var reached: [(seconds: Double, step: Int)?] = goals.map { _ in nil }
    var best = 0.0

    var figures: [Double?] { reached.flatMap { [$0?.seconds, $0.map { Double($0.step) }] } }
  }

  static func run(_ options: BenchmarkOptions) throws -> BenchmarkResult {
    _ = try ConfigurationFile.load(RunConfig.self, text: text, name: "bench accuracy", overrides: options.keys)
    let folder = try TemporaryFolder("airframe-bench")
    let config = "\(folder.path)/fast.yaml"
    try writeFileAtomically(Array(text.utf8), to: config)
    var seeds = BenchmarkResult.Table("seeds", columns: columns + ["best_accuracy"])
    var medians = BenchmarkResult.Table("medians", columns: columns + ["seeds"])
    for estimator in estimators {
      var outcomes: [Outcome] = []
      for seed in Self.seeds {
        let name = "\(estimator)-\(seed)"
        writeToStandardError("training \(name)\n")
        let outcome = try train(
          ["train", config, "--out", folder.path, "--name", name, "--data", options.dataFolder]
            + estimatorKeys(estimator) + options.keys + ["training.seed=\(seed)", "training.threads=1"],
          in: "\(folder.path)/\(FolderName.of(file: config))/\(name)", log: "\(folder.path)/\(name)")
        outcomes.append(outcome)
        seeds.add(name, outcome.figures + [outcome.best])
      }
      let figures = columns.indices.map { column -> Double? in
        let found = outcomes.map { $0.figures[column] ?? .infinity }.sorted()[outcomes.count / 2]
        return found.isFinite ? found : nil
      }
      medians.add(estimator, figures + [Double(outcomes.count)])
    }
    var options = options
    options.threads = 1
    return BenchmarkResult("accuracy", options, tables: [medians, seeds])
  }

  private static let columns = goals.flatMap { goal in
    ["seconds_to_\(Int(100 * goal))", "steps_to_\(Int(100 * goal))"]
  }

  /// The keys of an estimator: those of `configs/air/multi-mnist.yaml` for NVIL.
  private static func estimatorKeys(_ name: String) -> [String] {
    let more = name == "nvil" ? ", centering: true, baseline: { rate: 1e-3 }" : ""
    return ["estimator={ name: \(name)\(more) }"]
  }

  /// Starts a training on one core and reads its evaluations as they come. Throws `RunError` where it fails.
  private static func train(_ words: [String], in run: String, log: String) throws -> Outcome {
    let start = monotonicSeconds()
    let pin = ownCores().first.map { [Sweep.taskset, "-c", "\($0)"] } ?? []
    let command = (access(Sweep.taskset, X_OK) == 0 ? pin : []) + [ownProgram()] + words
    let child = try ChildProcess(command[0], Array(command.dropFirst()), output: log)
    defer { StartupBenchmark.end(child) }
    var outcome = Outcome()
    var seen = 0
    while true {
      // Polled before the file is read, so that the last lines are not missed.
      let status = child.poll()
      let lines = evaluations(of: run)
      for line in lines.dropFirst(seen) {
        guard let accuracy = line["count_accuracy"]?.double, case .integer(let step)? = line["step"] else { continue }
        outcome.best = max(outcome.best, accuracy)
        for (index, goal) in goals.enumerated() where outcome.reached[index] == nil && accuracy >= goal {
          outcome.reached[index] = (monotonicSeconds() - start, step)
        }
      }
      seen = lines.count
      if outcome.reached.allSatisfy({ $0 != nil }) { return outcome }
      if let status {
        guard status == 0 else {
          let words = (try? readFile(log)).map { String(decoding: $0, as: UTF8.self) } ?? ""
          throw RunError("a training ended with status \(status): \(words)")
        }
        return outcome
      }
      usleep(50_000)
    }
  }

  /// The evaluations on validation scenes that a run has written so far, in whole lines.
  private static func evaluations(of run: String) -> [JSON] {
    guard let bytes = try? readFile("\(run)/metrics.jsonl") else { return [] }
    return bytes[..<(bytes.lastIndex(of: UInt8(ascii: "\n")) ?? 0)].split(separator: UInt8(ascii: "\n"))
      .compactMap { try? JSON(parsing: $0) }.filter { $0["split"]?.string == "validation" }
  }
}
