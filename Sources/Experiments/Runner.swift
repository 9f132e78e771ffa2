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

  /// Starts the program again with this CPU's fastest product kernels, where the library chose others.
  public static func useFastestProducts() { ProductKernels.restartWithBetter() }

  /// Loads and checks a config without making anything. Throws `ConfigurationError`.
  public static func check(_ path: String, _ overrides: [String]) throws -> RunConfig {
    try ConfigurationFile.load(RunConfig.self, path: path, overrides: overrides).value
  }

  /// Trains what a config (or a row of an experiment) says in a new folder below `base`; `name` defaults to the seed, numbered where it is taken.
  public static func train(
    config path: String, row: String? = nil, overrides: [String], base: String, name: String?, dataFolder: String
  ) throws -> Outcome {
    let config =
      try row.map { try ExperimentFile.config(path, row: $0, overrides: overrides) } ?? check(path, overrides)
    Threads.use(config.training.threads)
    let workbench = try Workbench(config, dataFolder: dataFolder)
    let parent = "\(base)/\(stem(of: path))" + (row.map { "/\($0)" } ?? "")
    let place = name.map { "\(parent)/\($0)" } ?? RunFolder.free(parent, "seed-\(config.training.seed)")
    let folder = try RunFolder(creating: place)
    writeToStandardError("training in \(place)\n")
    let training = try Training(workbench, in: folder)
    let result = try training.run()
    return Outcome(folder: place, picture: training.newestPicture, validation: result)
  }

  /// Evaluates a run's checkpoint (the newest, or the one after `step` steps) on a split, and writes `evaluation.json`.
  public static func evaluate(
    run path: String, split: Split, step: Int?, overrides: [String], dataFolder: String
  ) throws -> (step: Int, result: Evaluator.Result) {
    let folder = try RunFolder(opening: path)
    let config = try check("\(path)/config.yaml", overrides)
    Threads.use(config.training.threads)
    let workbench = try Workbench(config, dataFolder: dataFolder)
    let reached = try Checkpoint.restore(workbench, from: checkpoint(of: folder, step: step))
    let result = try Evaluator(workbench).evaluate(split)
    let scores = result.scores.map { JSON.Member($0.name, .number($0.value)) }
    let name = step == nil ? "evaluation.json" : "evaluation-\(split.rawValue)-step-\(reached).json"
    let json = JSON.object(
      [JSON.Member("step", .integer(reached)), JSON.Member("split", .text(split.rawValue))] + scores)
    try folder.write(json.description + "\n", to: name)
    return (reached, result)
  }

  /// The path of a run's newest checkpoint, or of the one after `step` steps. Throws `RunError` where there is none.
  static func checkpoint(of folder: RunFolder, step: Int?) throws -> String {
    let checkpoints = folder.checkpoints
    guard let chosen = step.map({ step in checkpoints.first { $0.step == step } }) ?? checkpoints.last else {
      let steps = checkpoints.map { "\($0.step)" }.joined(separator: ", ")
      throw RunError(
        "\(folder.path): no checkpoint \(step.map { "after step \($0)" } ?? "at all") "
          + "(there are: \(steps.isEmpty ? "none" : steps))")
    }
    return chosen.path
  }

  /// Every key of a config with its value, as YAML.
  public static func text(of config: RunConfig) -> String { ConfigurationFile.encode(config) }

  private static func stem(of path: String) -> String {
    let parts = path.split(separator: "/")
    let name = parts.last.map(String.init) ?? path
    let stem = name.hasSuffix(".yaml") ? String(name.dropLast(5)) : name
    // configs/air/multi-mnist.yaml -> air-multi-mnist
    guard parts.count >= 2, !["configs", "experiments"].contains(parts[parts.count - 2]) else { return stem }
    return "\(parts[parts.count - 2])-\(stem)"
  }
}

/// The split of that name. Throws where there is none.
public func split(_ name: String) throws -> Split {
  guard let split = Split(rawValue: name) else {
    throw RunError("unknown split '\(name)' (known: \(Split.allCases.map(\.rawValue).joined(separator: ", ")))")
  }
  return split
}

/// Whether an error is about what the user gave (exit status 2) and not about the work itself.
public func isUnusableInput(_ error: any Error) -> Bool {
  error is ConfigurationError || error is RunError || error is DatasetError || error is FileError
    || error is PictureError
}
