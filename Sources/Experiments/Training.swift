import Configuration
import Datasets
import Evaluation
import Glibc
import Inference
import Models
import Pictures
import Scenes
import Tensors

/// Trains what a workbench holds and leaves everything about it in a run folder.
public final class Training {
  private let workbench: Workbench
  private let config: TrainingConfig
  private let folder: RunFolder
  private let evaluator: Evaluator
  private let log: TrainingLog

  /// Starts a new run in a folder that holds none.
  public init(_ workbench: Workbench, in folder: RunFolder) throws {
    self.workbench = workbench
    self.folder = folder
    config = workbench.config.training
    evaluator = Evaluator(workbench)
    try folder.write(ConfigurationFile.encode(workbench.config), to: "config.yaml")
    log = try TrainingLog(folder, config, modelSteps: workbench.model.contextShape.steps)
  }

  /// Runs to the end; returns the last evaluation on validation scenes.
  /// Throws `DivergenceError` where the loss stops being finite, and what the file system says.
  @discardableResult
  public func run() throws -> Evaluator.Result {
    let (model, estimator, parameters) = (workbench.model, workbench.estimator, workbench.parameters)
    let batches = try BatchLoader(workbench.dataset, batch: config.batch, seed: config.seed)
    var last: Evaluator.Result?
    for step in 0..<config.steps {
      let batch = batches.next()
      let estimate = estimator.estimate(model, batch.images, at: step, noise: workbench.noise(at: step))
      try log.check(step + 1, estimate)
      let gradients = gradients(of: estimate.loss, for: parameters)
      let norm = workbench.update(with: gradients, at: step)
      try log.record(step + 1, estimate, batch.scenes, gradientNorm: norm)

      let isLast = step + 1 == config.steps
      if isLast || isDue(config.evaluateEvery, step) {
        let result = try evaluator.evaluate(.validation)
        try log.record(step + 1, result)
        last = result
      }
      if isLast || isDue(config.checkpointEvery, step) { try saveCheckpoint(step + 1) }
      if isLast || isDue(config.pictureEvery, step) { try savePicture(step + 1) }
    }
    guard let last else { throw RunError("no step was trained") }
    return last
  }

  /// Where the newest picture stands.
  public private(set) var newestPicture: String?

  private func isDue(_ every: Int, _ step: Int) -> Bool { every > 0 && (step + 1) % every == 0 }

  private func saveCheckpoint(_ step: Int) throws {
    try Checkpoint.write(workbench, step: step, to: folder.checkpointPath(step))
    for old in folder.checkpoints.dropLast(config.keepCheckpoints) { unlink(old.path) }
  }

  private func savePicture(_ step: Int) throws {
    let dataset = workbench.dataset
    try dataset.prepare(.validation)
    let batch = Batch(dataset, .validation, indices: Array(0..<min(16, dataset.size(of: .validation))))
    let path = "\(folder.path)/images/step-\(step).png"
    try SceneGrid.picture(batch, workbench.model.explain(batch.images)).writePNG(to: path)
    newestPicture = path
  }
}
