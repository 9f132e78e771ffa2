import Configuration
import Datasets
import Glibc
import Models
import Tensors

/// Timings of training steps.
public struct Benchmark {
  public let name: String
  public let threads: Int
  /// Milliseconds a step.
  public let median, minimum, p90: Double
  public let steps: Int

  public var json: String {
    func milliseconds(_ value: Double) -> JSON { .number((value * 1000).rounded() / 1000) }
    return JSON.object([
      .init("name", .text(name)), .init("threads", .integer(threads)),
      .init("ms_per_step_median", milliseconds(median)),
      .init("min", milliseconds(minimum)), .init("p90", milliseconds(p90)), .init("steps", .integer(steps)),
    ]).line
  }

  /// The AIR step of the peers: same sizes, products and draws (docs/performance.md), on generated digits.
  public static func air(threads: Int, seconds: Double, dataFolder: String) throws -> Benchmark {
    let text = """
      model: { name: air, steps: 3, glimpse: 28 }
      dataset: { name: multi-mnist, overlap: allowed, digit: { kind: native } }
      estimator: { name: nvil, centering: true, moving_average: 0.9, baseline: { layers: [] } }
      training: { batch: 64, threads: \(threads), optimizer: { name: adam, rate: 1e-4 } }
      """
    let config = try ConfigurationFile.load(RunConfig.self, text: text, name: "bench air").value
    return try time("air", config, seconds: seconds, dataFolder: dataFolder)
  }

  private static func time(_ name: String, _ config: RunConfig, seconds: Double, dataFolder: String) throws -> Benchmark
  {
    Threads.use(config.training.threads)
    let workbench = try Workbench(config, dataFolder: dataFolder)
    let batches = try BatchLoader(workbench.dataset, batch: config.training.batch, seed: config.training.seed)
    let parameters = workbench.parameters
    var times: [Double] = []
    let warmup = 10
    var end = Double.infinity
    var step = 0
    while monotonicSeconds() < end {
      let start = monotonicSeconds()
      let batch = batches.next()
      let estimate = workbench.estimator.estimate(
        workbench.model, batch.images, at: step, noise: workbench.noise(at: step))
      let slopes = gradients(of: estimate.loss, for: parameters)
      _ = workbench.update(with: slopes, at: step)
      step += 1
      if step == warmup { end = monotonicSeconds() + seconds }
      if step > warmup { times.append(1000 * (monotonicSeconds() - start)) }
    }
    times.sort()
    func quantile(_ share: Double) -> Double {
      times.isEmpty ? 0 : times[min(times.count - 1, Int(share * Double(times.count)))]
    }
    return Benchmark(
      name: name, threads: config.training.threads, median: quantile(0.5), minimum: times.first ?? 0,
      p90: quantile(0.9),
      steps: times.count)
  }
}
