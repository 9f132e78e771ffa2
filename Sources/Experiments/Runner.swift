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

/// What the command line does with runs.
public enum Runner {
  /// A finished training: its folder, its newest picture, and its last evaluation on validation scenes.
  public struct Outcome {
    public let folder: String
    public let picture: String?
    public let validation: Evaluator.Result
  }

  /// Lets products use the best kernels that this CPU and the BLAS library have, before any work, and says on stderr what a user
  /// should know of them. Throws `ProductKernelsError` where there are none that can be trusted.
  public static func useBestProducts() throws {
    for note in try ProductKernels.choose() { writeToStandardError("warning: \(note)\n") }
  }

  /// Loads and checks a config without making anything. Throws `ConfigurationError`.
  public static func check(_ path: String, _ overrides: [String]) throws -> RunConfig {
    try ConfigReading(path, overrides).config
  }

  /// Trains what a config (or a row of an experiment) says in a new folder below `base`; `name` defaults to the seed,
  /// numbered where it is taken. `origin` is a run whose newest parameters are the initial ones.
  /// Throws what is wrong with the config, the data or the folder, and as `Training.run`.
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

  /// Goes on with a run from its newest usable checkpoint (`restoreNewest`). Only `training.steps`, `threads`, what is written
  /// when, and where the data lies may change.
  /// Throws `RunError` where anything else is overridden, where no checkpoint can be used, where the data is not the run's,
  /// and where another process trains there. Nothing is changed then.
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
        "\(path): stands at step \(restored.step) already; training.steps=\(config.training.steps) is below")
    }
    showOnStandardError("going on after step \(restored?.step ?? 0)\n")
    return try finish(Training(resuming: workbench, in: locked, from: restored))
  }

  /// Trains the config of a file in exactly this folder, or goes on with the run that stands there, and measures it on test
  /// scenes: its last checkpoint, and its best one. What a sweep starts for each cell. Throws as `train` and `resume`.
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
    // What is measured from here on is written at once or not at all.
    try StopSignal.unwatch()
    let folder = try RunFolder(opening: place)
    let summary = folder.json("summary.json")
    for step in [summary?["steps"], summary?["best"]?["step"]] {
      guard case .integer(let step)? = step, folder.evaluation("test", after: step) == nil else { continue }
      try evaluate(run: place, split: .test, step: step, overrides: [], dataFolder: dataFolder).keep()
    }
  }

  private static func finish(_ begin: @autoclosure () throws -> Training) throws -> Outcome {
    // Before the folder is made, so that whoever sees it can stop the training properly.
    StopSignal.watch()
    let training = try begin()
    showOnStandardError("training in \(training.path)\n")
    let result = try training.run()
    return Outcome(folder: training.path, picture: training.newestPicture, validation: result)
  }

  /// What was measured of a run; `keep` puts it into the run's folder.
  public struct Evaluated {
    public let result: Evaluator.Result
    /// What was measured, and of what.
    public let evaluation: KeptEvaluation
    fileprivate let folder: RunFolder

    /// Throws `EvaluationNotKept` where the folder takes no file.
    public func keep() throws {
      do { try folder.keep(evaluation) } catch { throw EvaluationNotKept(folder: folder.path, reason: "\(error)") }
    }
  }

  /// Evaluates a run's checkpoint (the newest, or the one after `step` steps) on a split; overrides ask "what if".
  /// Nothing is written. Throws what is wrong with the run, the overrides or the data.
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

  /// All evaluations that a run's folder holds, as a table. Throws `RunError` where no run stands there.
  public static func evaluations(of path: String) throws -> String {
    let found = try RunFolder(opening: path).evaluations
    return found.isEmpty ? "no evaluations stand in \(path)\n" : KeptEvaluation.table(found)
  }

  /// Every key of a config with its value, as YAML.
  public static func text(of config: RunConfig) -> String { ConfigurationFile.encode(config) }
}

/// An evaluation that was made and could not be put into the run's folder.
public struct EvaluationNotKept: Error, CustomStringConvertible {
  let folder: String
  let reason: String
  public var description: String {
    "\(folder): the evaluation is not kept: \(reason). Tables and lists do not show it; copy the run to a folder that can be "
      + "written, and evaluate it there"
  }
}

/// The split of that name. Throws where there is none.
public func split(_ name: String) throws -> Split {
  guard let split = Split(rawValue: name) else {
    throw RunError("unknown split '\(name)' (known: \(Split.allCases.map(\.rawValue).joined(separator: ", ")))")
  }
  return split
}

/// The names of the parts of a dataset.
public let splitNames = Split.allCases.map(\.rawValue)

/// Whether an error is about what the user gave (exit status 2) and not about the work itself.
public func isUnusableInput(_ error: any Error) -> Bool {
  error is ConfigurationError || error is RunError || error is DatasetError || error is FileError
    || error is ModelError
    || error is PictureError || (error as? ProductKernelsError)?.isOfEnvironment == true
}

/// Whether an error says that the system gives no thread or no memory.
public func isLackOfResources(_ error: any Error) -> Bool { error is ResourceFailure }
