import Configuration
import Tensors

/// Times a training step of AIR with every estimator. The estimators take turns, so that load on the machine slows all
/// of them equally.
enum EstimatorBenchmark {
  private static let warmup = 5

  static func run(_ options: BenchmarkOptions) throws -> BenchmarkResult {
    let contenders = try EstimatorStudy.contenders.map { name, choice in
      var config = try StepBenchmark.config("air", options)
      // NVIL keeps the baseline settings of the benchmark's config, so that its figures agree with `bench air`.
      if name != "nvil" { config.estimator = choice }
      return (name: name, steps: try TrainingSteps(config, dataFolder: options.dataFolder))
    }
    for contender in contenders { for _ in 0..<warmup { contender.steps.next() } }
    var times = contenders.map { _ in Samples() }
    let end = monotonicSeconds() + options.seconds
    while times[0].count < 3 || monotonicSeconds() < end {
      for (index, contender) in contenders.enumerated() { times[index].add(Samples.time { contender.steps.next() }) }
    }
    func median(_ name: String) -> Double {
      zip(contenders, times).first { $0.0.name == name }.map { $0.1.median } ?? .nan
    }
    var table = BenchmarkResult.Table(
      "step", columns: ["ms_per_step_median", "ms_per_step_minimum", "of_nvil", "of_reinforce", "steps"])
    for (contender, samples) in zip(contenders, times) {
      table.add(
        contender.name, 1000 * samples.median, 1000 * samples.minimum, samples.median / median("nvil"),
        samples.median / median("reinforce"), Double(samples.count))
    }
    return BenchmarkResult(
      "estimators", options, tables: [table],
      notes: ["reinforce is the plain step: one pass and no baseline to learn; vimco has 5 particles an image"])
  }
}
