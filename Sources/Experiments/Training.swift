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
  private let folder: LockedFolder
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
    try self.init(workbench, origin: origin) { try folder.claim() }
  }

  /// Starts a new run in the first of `name`, `name-2`, ... below `base` that is free. Throws as above.
  convenience init(_ workbench: Workbench, below base: String, as name: String, origin: String? = nil) throws {
    try self.init(workbench, origin: origin) { try RunFolder.claimFree(base, name) }
  }

  private convenience init(
    _ workbench: Workbench, origin: String?, claim: () throws -> LockedFolder
  ) throws {
    let batches = try Training.batches(workbench, from: 0)
    let locked = try claim()
    try locked.removeUnfinished()
    try self.init(workbench, locked, batches, nil)
    try Provenance.write(workbench, to: locked, origin: origin)
    try log.note("airframe \(airframeVersion) starts" + (origin.map { " from the parameters of \($0)" } ?? ""))
  }

  /// Goes on from a checkpoint that was put into the workbench, or from the start where none was made.
  ///
  /// Logs are cut when the first step begins, and only where the next checkpoint can be written. Throws as above.
  convenience init(
    resuming workbench: Workbench, in folder: LockedFolder, from restored: Checkpoint.Restored?
  ) throws {
    try folder.requireRoomForCheckpoints()
    try folder.removeUnfinished()
    let batches = try Training.batches(workbench, from: restored?.step ?? 0)
    try self.init(workbench, folder, batches, restored)
    try log.note("airframe \(airframeVersion) goes on after step \(start)")
    for change in try Provenance.resume(workbench, in: folder, after: start) {
      try log.say("warning: \(change): what follows may differ in its last digits from an uninterrupted run")
    }
  }

  private init(
    _ workbench: Workbench, _ folder: LockedFolder, _ batches: BatchLoader, _ restored: Checkpoint.Restored?
  ) throws {
    let state = try restored.map { try LogState($0.log) } ?? .empty
    (self.workbench, self.folder, self.batches) = (workbench, folder, batches)
    config = workbench.config.training
    evaluator = Evaluator(workbench)
    start = restored?.step ?? 0
    folder.newestCheckpoint = restored?.step
    step = start
    best = BestCheckpoint(by: workbench.config.evaluation.selectBy, state: state.json["best"])
    try folder.write(ConfigurationFile.encode(workbench.config), to: "config.yaml")
    log = try TrainingLog(
      folder, config, modelSteps: workbench.model.contextShape.steps, from: start, state: state)
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
      // A full disk may not take this either; the message still reaches the person who looks. The log of a folder that was
      // lost may be that of another run by now.
      if !(failure is LostFolder) { try? log.note("\(failure)") }
      folder.writeFailure(at: step, of: config.steps, reason: "\(failure)")
      throw failure
    }
  }

  private func train() throws -> Evaluator.Result {
    let (model, estimator, parameters) = (workbench.regularized, workbench.estimator, workbench.parameters)
    var last: Evaluator.Result?
    try log.begin()
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
    try prune()
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
    var state = try log.currentState()
    state["best"] = best.json
    try folder.write(
      Checkpoint.encode(workbench, step: step, log: state), to: RunFolder.checkpointName(step))
    folder.newestCheckpoint = step
    try prune()
    try folder.write(status: "running", step: step, of: config.steps)
  }

  /// Of the checkpoints up to here, these stay: the newest one, the last `keep_checkpoints` that were due, and the best.
  private func prune() throws {
    // What cannot be listed now is removed after the next checkpoint.
    let past = ((try? folder.folder.checkpoints) ?? []).map(\.step).filter { $0 <= step }
    let due = past.filter { $0 == config.steps || config.checkpointEvery > 0 && $0 % config.checkpointEvery == 0 }
    let kept = Set(due.suffix(config.keepCheckpoints) + [past.last, best.step].compactMap { $0 })
    try folder.removeCheckpoints(past.filter { !kept.contains($0) })
  }

  /// The run's folder.
  public var path: String { folder.path }

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
    try folder.write(png, to: "images/step-\(step).png")
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

  /// Says what became of the training, and which checkpoint there is.
  private func explained(_ error: any Error) -> any Error {
    let kept = (try? folder.folder.checkpoints.last?.step) ?? nil
    if var error = error as? DivergenceError {
      error.kept = kept
      if let cause = Training.divisionByZero(in: config.optimizer) { error.advice = cause }
      return error
    }
    guard let error = error as? FileError, error.path?.hasPrefix(folder.path) == true else { return error }
    return TrainingFailure(folder: folder.path, reason: "\(error)", kept: kept)
  }

  /// What to change in an optimizer that divides by 0.
  private static func divisionByZero(in optimizer: Choice) -> String? {
    guard JSON(encodeSection(optimizer.config))["epsilon"]?.double == 0 else { return nil }
    return "Raise training.optimizer.epsilon (1e-8 is usual): with 0, a parameter whose gradient is 0 is divided by 0"
  }
}

/// The most memory this process ever held, in units of 10^6 bytes.
func peakMemory() -> Double {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  return (Double(usage.ru_maxrss) * 1.024).rounded() / 1000
}
