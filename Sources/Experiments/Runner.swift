import Configuration
import Datasets
import Evaluation
import Glibc
import Inference
import Layers
import Models
import Pictures
import Scenes
import Tensors

/// The operations of the command line on runs.
public enum Runner {
  /// A finished training: its folder, its newest picture, and its last evaluation on validation scenes.
  public struct Outcome {
    public let folder: String
    public let picture: String?
    public let validation: Evaluator.Result
  }

  /// Selects the best product kernels that this CPU and the BLAS library support, and prints important notes on stderr.
  /// Call it before any computation. Throws `ProductKernelsError` if no kernels can be trusted.
  public static func useBestProducts() throws {
    for note in try ProductKernels.choose() { writeToStandardError("warning: \(note)\n") }
  }

  /// Loads and checks a config without creating anything. Throws `ConfigurationError`.
  public static func check(_ path: String, _ overrides: [String]) throws -> RunConfig {
    try ConfigReading(path, overrides).config
  }

  /// Trains a config, or a row of an experiment, in a new folder below `base`.
  ///
  /// `name` defaults to `seed-SEED`, with a number appended if that name is taken. `origin` is a run whose newest
  /// parameters are the initial ones. Throws the errors of the config, the data or the folder, and those of
  /// `Training.run`.
  public static func train(
    config path: String, row: String? = nil, overrides: [String], base: String, name: String?,
    startingFrom origin: String? = nil, dataFolder: String
  ) throws -> Outcome {
    let reading = try ConfigReading(path, row: row, overrides)
    try reading.refuseMisnomer()
    let config = reading.config
    try Threads.use(config.training.threads)
    let parent = "\(base)/\(FolderName.of(file: path))" + (row.map { "/\($0)" } ?? "")
    // A name that is taken is refused before the data is read.
    let named = try name.map { try RunFolder(planning: "\(parent)/\($0)") }
    let workbench = try Workbench(config, dataFolder: dataFolder, preparing: .train)
    if let origin {
      guard let newest = try RunFolder(opening: origin).checkpoints.last else {
        throw RunError("\(origin): this run has no checkpoint to start from")
      }
      try Checkpoint.initialize(workbench, from: newest.path)
    }
    return try finish(
      named.map { try Training(workbench, in: $0, origin: origin) }
        ?? Training(workbench, below: parent, as: "seed-\(config.training.seed)", origin: origin))
  }

  /// Resumes a run from its newest usable checkpoint (`restoreNewest`). Only `training.steps`, `training.threads`, the
  /// output intervals, and the locations of data may change.
  ///
  /// Throws `RunError` if anything else is overridden, no checkpoint can be used, the data is not the run's, or another
  /// process trains in the folder. Then nothing is changed.
  public static func resume(run path: String, overrides: [String], dataFolder: String) throws -> Outcome {
    let folder = try RunFolder(opening: path)
    try refuseChanges(overrides, path, locations: try folder.config().locations)
    let locked = try LockedFolder(folder)
    let config = try folder.config(overrides)
    try Threads.use(config.training.threads)
    let workbench = try Workbench(config, dataFolder: dataFolder, preparing: .train)
    try Provenance.requireSameData(workbench.dataset, in: folder)
    let restored = try restoreNewest(workbench, folder)
    if let restored, restored.step > config.training.steps {
      throw RunError(
        "\(path): is at step \(restored.step) already; training.steps=\(config.training.steps) is below")
    }
    showOnStandardError("going on after step \(restored?.step ?? 0)\n")
    return try finish(Training(resuming: workbench, in: locked, from: restored))
  }

  /// Trains a config in exactly this folder, or resumes the run in it, and evaluates its last and its best checkpoint
  /// on test scenes. A sweep starts this for each cell. Throws as `train` and `resume`.
  public static func runCell(config path: String, folder place: String, dataFolder: String) throws {
    StopSignal.followSweep()
    let config = try check(path, [])
    if let folder = try? RunFolder(opening: place) {
      let status = folder.json("status.json")
      if status?["status"] != "finished" || status?["step"] != .integer(config.training.steps) {
        _ = try resume(run: place, overrides: ["training.steps=\(config.training.steps)"], dataFolder: dataFolder)
      }
    } else {
      try Threads.use(config.training.threads)
      let workbench = try Workbench(config, dataFolder: dataFolder, preparing: .train)
      _ = try finish(Training(workbench, in: RunFolder(planning: place)))
    }
    // Each evaluation from here on is written as a whole when it is done, so a signal may end the program.
    try StopSignal.unwatch()
    let folder = try RunFolder(opening: place)
    // An earlier process may have been killed while it wrote an evaluation of this finished training.
    try? LockedFolder(folder).removeUnfinished()
    let summary = folder.json("summary.json")
    for step in [summary?["steps"], summary?["best"]?["step"]] {
      guard case .integer(let step)? = step, folder.evaluation("test", after: step) == nil else { continue }
      try evaluate(run: place, split: .test, step: step, overrides: [], dataFolder: dataFolder).keep()
    }
  }

  private static func finish(_ begin: @autoclosure () throws -> Training) throws -> Outcome {
    // Before the folder is created, so that a training whose folder is visible can already be stopped cleanly.
    StopSignal.watch()
    let training = try begin()
    showOnStandardError("training in \(training.path)\n")
    let result = try training.run()
    return Outcome(folder: training.path, picture: training.newestPicture, validation: result)
  }

  /// The result of an evaluation. `keep` writes it into the run's folder.
  public struct Evaluated {
    public let result: Evaluator.Result
    /// The evaluation together with its settings.
    public let evaluation: KeptEvaluation
    fileprivate let folder: RunFolder

    /// Throws `EvaluationNotKept` if the file cannot be written.
    public func keep() throws {
      do { try folder.keep(evaluation) } catch { throw EvaluationNotKept(folder: folder.path, reason: "\(error)") }
    }
  }

  /// Evaluates a run's checkpoint (the newest, or the one after `step` steps) on a split. Overrides answer "what if"
  /// questions.
  ///
  /// Nothing is written. Throws the errors of the run, the overrides or the data.
  public static func evaluate(
    run path: String, split: Split, step: Int?, overrides: [String], dataFolder: String
  ) throws -> Evaluated {
    let folder = try RunFolder(opening: path)
    let config = try folder.config(overrides)
    try Threads.use(config.training.threads)
    let workbench = try Workbench(config, dataFolder: dataFolder)
    let reached = try restore(workbench, of: folder, step: step)
    let result = try Evaluator(workbench).evaluate(
      split, importanceSamples: config.evaluation.iwaeSamples, dividesScenes: true)
    let evaluation = try KeptEvaluation(result, workbench, of: folder, step: reached, split: split)
    return Evaluated(result: result, evaluation: evaluation, folder: folder)
  }

  /// All evaluations in a run's folder, as a table. Throws `RunError` if the folder holds no run.
  public static func evaluations(of path: String) throws -> String {
    let found = try RunFolder(opening: path).evaluations
    return found.isEmpty ? "there are no evaluations in \(path)\n" : KeptEvaluation.table(found)
  }

  /// Every key of a config with its value, as YAML.
  public static func text(of config: RunConfig) -> String { ConfigurationFile.encode(config) }
}

/// The error for an evaluation that could not be written into the run's folder.
public struct EvaluationNotKept: Error, CustomStringConvertible {
  let folder: String
  let reason: String
  public var description: String {
    "\(folder): the evaluation is not kept: \(reason). Tables and lists do not show it; copy the run to a folder that can be "
      + "written, and evaluate it there"
  }
}

/// The split with this name. Throws `RunError` if there is none.
public func split(_ name: String) throws -> Split {
  guard let split = Split(rawValue: name) else {
    throw RunError("unknown split '\(name)' (known: \(Split.allCases.map(\.rawValue).joined(separator: ", ")))")
  }
  return split
}

/// The names of the parts of a dataset.
public let splitNames = Split.allCases.map(\.rawValue)

/// Whether an error concerns the user's input (exit status 2) and not the work itself.
public func isUnusableInput(_ error: any Error) -> Bool {
  error is ConfigurationError || error is RunError || error is DatasetError || error is FileError
    || error is ModelError
    || error is PictureError || (error as? ProductKernelsError)?.isOfEnvironment == true
}

/// Whether an error means that the system has no thread or no memory left.
public func isLackOfResources(_ error: any Error) -> Bool { error is ResourceFailure }
