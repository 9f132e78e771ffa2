import Configuration
import Datasets
import Scenes

/// Times the generation of scenes and batches for each registered dataset with its defaults, and compares it with the
/// time of one training step.
enum DataBenchmark {
  private static let batchSize = 64

  static func run(_ options: BenchmarkOptions) throws -> BenchmarkResult {
    let steps = try TrainingSteps(
      StepBenchmark.config("air", options), dataFolder: options.dataFolder)
    for _ in 0..<5 { steps.next() }
    let share = options.seconds / Double(2 * datasets.names.count + 1)
    let step = Samples.repeating(for: share) { steps.next() }.median

    var table = BenchmarkResult.Table(
      "scenes", columns: ["scenes_per_second", "us_per_scene", "ms_per_batch", "share_of_step"])
    var notes = [
      "a batch is \(batchSize) scenes, made on one thread; a step of AIR takes \(significant(1000 * step)) ms"
    ]
    for name in datasets.names {
      let dataset: any Dataset
      do {
        dataset = try datasets.make(datasets.choice(name), DatasetContext(dataFolder: options.dataFolder))
        try dataset.prepare(.train)
      } catch let error as DatasetError {
        notes.append("\(name) is left out: \(error)")
        continue
      }
      let size = dataset.size(of: .train)
      var index = 0
      let scene = Samples.repeating(for: share) {
        _ = dataset.scene(index % size, of: .train)
        index += 1
      }
      let batch = Samples.repeating(for: share) {
        _ = Batch(dataset, .train, indices: (0..<batchSize).map { (index + $0) % size })
        index += batchSize
      }
      table.add(name, 1 / scene.median, 1e6 * scene.median, 1000 * batch.median, batch.median / step)
    }
    return BenchmarkResult("data", options, tables: [table], notes: notes)
  }
}
