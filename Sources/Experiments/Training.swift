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
  private let lock: FolderLock
  private let batches: BatchLoader
  private let evaluator: Evaluator
  private let log: TrainingLog
  private let start: Int
  private var best: BestCheckpoint
  /// The last step that is done.
  private var step: Int

  /// Starts a new run in a folder that holds none; `origin` is the run that gave the initial parameters.
  ///
  /// Nothing is written before the data was read. Throws what that throws, `RunError` where the folder cannot be used,
  /// and `FileError`.
  public convenience init(_ workbench: Workbench, in folder: RunFolder, origin: String? = nil) throws {
    let batches = try Training.batches(workbench, from: 0)
    try folder.make()
    let lock = try folder.lock()
    // Another process may have been faster since the folder was chosen.
    try folder.refuseExisting()
    folder.removeUnfinished()
    try self.init(workbench, folder, lock, batches, .init(step: 0, log: .object([]), config: nil))
    try Provenance.write(workbench, to: folder, origin: origin)
    try log.note("airframe \(airframeVersion) starts" + (origin.map { " from the parameters of \($0)" } ?? ""))
  }

  /// Goes on from a checkpoint that was put into the workbench, or from the start where none was made.
  /// Throws as above.
  convenience init(
    resuming workbench: Workbench, in folder: RunFolder, from restored: Checkpoint.Restored?, lock: FolderLock
  ) throws {
    let restored = restored ?? .init(step: 0, log: .object([]), config: nil)
    folder.removeUnfinished()
    try self.init(workbench, folder, lock, try Training.batches(workbench, from: restored.step), restored)
    try log.note("airframe \(airframeVersion) goes on after step \(restored.step)")
    for change in try Provenance.resume(workbench, in: folder, after: restored.step) {
      try log.say("warning: \(change): what follows may differ in its last digits from an uninterrupted run")
    }
  }

  private init(
    _ workbench: Workbench, _ folder: RunFolder, _ lock: FolderLock, _ batches: BatchLoader,
    _ restored: Checkpoint.Restored
  ) throws {
    (self.workbench, self.folder, self.lock, self.batches) = (workbench, folder, lock, batches)
    config = workbench.config.training
    evaluator = Evaluator(workbench)
    (start, step) = (restored.step, restored.step)
    best = BestCheckpoint(by: workbench.config.evaluation.selectBy, state: restored.log["best"])
    try folder.write(ConfigurationFile.encode(workbench.config), to: "config.yaml")
    log = try TrainingLog(
      folder, config, modelSteps: workbench.model.contextShape.steps, from: start, state: restored.log)
  }

  private static func batches(_ workbench: Workbench, from start: Int) throws -> BatchLoader {
    try workbench.requireScenes(of: .validation)
    try workbench.dataset.prepare(.validation)
    return try workbench.batches(from: start)
  }

  /// Runs to the end; returns the last evaluation on validation scenes. `status.json` tells how it ended.
  ///
  /// Throws `Interruption` after a signal, `DivergenceError` where the loss stops being finite, `TrainingFailure` where a
  /// file of the folder cannot be written.
  @discardableResult
  public func run() throws -> Evaluator.Result {
    do {
      try folder.write(status: "running", step: start, of: config.steps)
      let result = try train()
      try summarize(result)
      try folder.write(status: "finished", step: step, of: config.steps)
      return result
    } catch let stop as Interruption {
      try folder.write(status: "interrupted", step: step, of: config.steps)
      throw stop
    } catch {
      log.end()
      let failure = explained(error)
      // A full disk may not take this either; the message still reaches the person who looks.
      try? log.note("\(failure)")
      do {
        try folder.write(status: "failed", step: step, of: config.steps, reason: "\(failure)")
      } catch {
        folder.overwriteStatus(failedAt: step, of: config.steps, reason: "\(failure)")
      }
      throw failure
    }
  }

  private func train() throws -> Evaluator.Result {
    let (model, estimator, parameters) = (workbench.regularized, workbench.estimator, workbench.parameters)
    var last: Evaluator.Result?
    log.begin()
    while step < config.steps {
      let batch = batches.next()
      let estimate = estimator.estimate(model, batch.images, at: step, noise: workbench.noise(at: step))
      try log.check(step + 1, estimate)
      let gradients = estimate.gradients(for: parameters)
      let norm = workbench.update(with: gradients, at: step)
      try log.record(step + 1, estimate, batch.scenes, gradientNorm: norm)
      step += 1

      var isBest = false
      if isDue(config.evaluateEvery) {
        let result = try evaluate()
        isBest = best.improves(with: result, after: step)
        last = result
      }
      if isDue(config.pictureEvery) { try savePicture() }
      let signal = StopSignal.current
      if isDue(config.checkpointEvery) || isBest || signal != nil { try saveCheckpoint() }
      if let signal {
        log.end()
        throw Interruption(signal: signal, folder: folder.path, step: step)
      }
    }
    // Who was killed between the last checkpoint and here has only this to do.
    prune()
    return try last ?? evaluator.evaluate(.validation)
  }

  /// After every so many steps, and after the last one.
  private func isDue(_ every: Int) -> Bool { step == config.steps || every > 0 && step % every == 0 }

  private func evaluate() throws -> Evaluator.Result {
    let begin = monotonicSeconds()
    let result = try evaluator.evaluate(.validation)
    try log.record(step, result, seconds: monotonicSeconds() - begin)
    return result
  }

  private func saveCheckpoint() throws {
    var state = try log.state()
    state["best"] = best.json
    try Checkpoint.write(workbench, step: step, log: state, to: folder.checkpointPath(step))
    prune()
    try folder.write(status: "running", step: step, of: config.steps)
  }

  /// Of the checkpoints up to here, these stay: the newest one, the last `keep_checkpoints` that were due, and the best.
  private func prune() {
    let past = folder.checkpoints.filter { $0.step <= step }
    let due = past.filter {
      $0.step == config.steps || config.checkpointEvery > 0 && $0.step % config.checkpointEvery == 0
    }
    let kept = Set(due.suffix(config.keepCheckpoints).map(\.step) + [past.last?.step, best.step].compactMap { $0 })
    for old in past where !kept.contains(old.step) { unlink(old.path) }
  }

  /// Where the picture after so many steps stands, if it was drawn.
  public var newestPicture: String? {
    let path = "\(folder.path)/images/step-\(step).png"
    return access(path, F_OK) == 0 ? path : nil
  }

  private func savePicture() throws {
    let dataset = workbench.dataset
    let batch = Batch(dataset, .validation, indices: Array(0..<min(16, dataset.size(of: .validation))))
    let picture = SceneGrid.picture(batch, workbench.model.explain(batch.images))
    let png = try picture.png()
    try writeFileAtomically(png, to: "\(folder.path)/images/step-\(step).png")
    try log.record(step, picture, png: png)
  }

  /// Writes `summary.json`.
  private func summarize(_ result: Evaluator.Result) throws {
    let times = try log.times()
    let summary = JSON.object([
      .init("steps", .integer(config.steps)), .init("parameters", .integer(workbench.model.store.count)),
      .init("final", .object(result.scores.map { .init($0.name, .number($0.value)) })), .init("best", best.json),
      .init("collapse", log.collapse.map(JSON.text) ?? .null),
      .init("training_seconds", .number(times.stepSeconds)),
      .init("evaluation_seconds", .number(times.evaluationSeconds)),
      .init("steps_per_second", .number(Double(times.steps) / max(times.stepSeconds, 1e-9))),
      .init("peak_memory_megabytes", .number(peakMemory())),
    ])
    try folder.write(summary.description + "\n", to: "summary.json")
    try log.note("finished after step \(step)")
  }

  /// An error of the folder's files says what became of the training.
  private func explained(_ error: any Error) -> any Error {
    guard let error = error as? FileError, error.path?.hasPrefix(folder.path) == true else { return error }
    return TrainingFailure(folder: folder.path, reason: "\(error)", kept: folder.checkpoints.last?.step)
  }
}

/// The most memory this process ever held, in units of 10^6 bytes.
func peakMemory() -> Double {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  return (Double(usage.ru_maxrss) * 1.024).rounded() / 1000
}
