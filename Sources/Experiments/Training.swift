import Configuration
import Datasets
import Evaluation
import Glibc
import Inference
import Models
import Pictures
import Scenes
import Tensors

/// Trains the model of a workbench and writes all results into a run folder.
public final class Training {
  private let workbench: Workbench
  private let config: TrainingConfig
  private let folder: LockedFolder
  private let batches: BatchLoader
  private let evaluator: Evaluator
  private let log: TrainingLog
  private let start: Int
  private var best: BestCheckpoint
  /// The last completed step.
  private var step: Int

  /// Starts a new run in a folder that holds none. `origin` is the run that provided the initial parameters.
  ///
  /// Nothing is written before the data has been read. Throws the errors of reading the data, `RunError` if the folder
  /// cannot be used, and `FileError`.
  public convenience init(_ workbench: Workbench, in folder: RunFolder, origin: String? = nil) throws {
    try self.init(workbench, origin: origin) { try folder.claim() }
  }

  /// Starts a new run in the first free folder of `name`, `name-2`, ... below `base`. Throws as above.
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

  /// Resumes from a checkpoint that was loaded into the workbench, or from the beginning if there is none.
  ///
  /// Logs are cut when the first step begins, and only if the next checkpoint can be written. Throws as above.
  convenience init(
    resuming workbench: Workbench, in folder: LockedFolder, from restored: Checkpoint.Restored?
  ) throws {
    try folder.requireRoomForCheckpoints()
    try folder.removeUnfinished()
    let batches = try Training.batches(workbench, from: restored?.step ?? 0)
    try self.init(workbench, folder, batches, restored)
    try log.note("airframe \(airframeVersion) resumes after step \(start)")
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

  /// Trains to the end and returns the last evaluation on validation scenes. `status.json` records how the training
  /// ended.
  ///
  /// Throws `Interruption` after a signal, `DivergenceError` if the loss is not finite, and `TrainingFailure` if a file
  /// of the folder cannot be written.
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
      // A full disk may not accept this either, but the error message still reaches the user. After `LostFolder`
      // nothing is written, because the log may now belong to another run.
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
    // A run that was killed after its last checkpoint resumes here, with only this left to do.
    try prune()
    return try last ?? evaluator.evaluate(.validation)
  }

  /// True after every `every` steps, and after the last step.
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

  /// Removes old checkpoints up to the current step. It keeps the newest, the last `keep_checkpoints` regular ones, and
  /// the best.
  private func prune() throws {
    // If the folder cannot be listed now, old checkpoints are removed after the next checkpoint.
    let past = ((try? folder.folder.checkpoints) ?? []).map(\.step).filter { $0 <= step }
    let due = past.filter { $0 == config.steps || config.checkpointEvery > 0 && $0 % config.checkpointEvery == 0 }
    let kept = Set(due.suffix(config.keepCheckpoints) + [past.last, best.step].compactMap { $0 })
    try folder.removeCheckpoints(past.filter { !kept.contains($0) })
  }

  /// The run's folder.
  public var path: String { folder.path }

  /// The path of the picture at the last completed step; nil if there is none.
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

  /// Adds to an error the reason why the training ended, and the newest checkpoint.
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

  /// Advice for an optimizer that divides by 0; nil for other optimizers.
  private static func divisionByZero(in optimizer: Choice) -> String? {
    guard JSON(encodeSection(optimizer.config))["epsilon"]?.double == 0 else { return nil }
    return "Raise training.optimizer.epsilon (1e-8 is usual): with 0, a parameter whose gradient is 0 is divided by 0"
  }
}

/// The peak memory use of this process, in units of 10^6 bytes.
func peakMemory() -> Double {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  return (Double(usage.ru_maxrss) * 1.024).rounded() / 1000
}
