import Configuration
import Pictures
import Tensors

/// Everything that a training needs to continue: parameters, optimizers, estimator, step, and the lengths of its logs.
public enum Checkpoint {
  /// The contents of a checkpoint other than the tensors that were loaded into a workbench.
  public struct Restored {
    public let step: Int
    /// The lengths of the logs, read by `LogState`.
    let log: JSON
    /// The config of the run that wrote the checkpoint; nil if the checkpoint does not contain it.
    let config: RunConfig?
  }

  /// Selects the tensors of a checkpoint that are loaded.
  enum Part {
    /// All tensors that a training needs to continue.
    case everything
    /// The model's parameters, which are enough to use a trained model.
    case parameters
    /// The model's parameters, and the estimator's parameters and statistics if the checkpoint has the same ones.
    case parametersAndEstimator
  }

  /// Writes the state after `step` steps atomically. Throws `FileError`.
  static func write(_ workbench: Workbench, step: Int, log: JSON = .object([]), to path: String) throws {
    try writeFileAtomically(encode(workbench, step: step, log: log), to: path)
  }

  /// The bytes of a checkpoint after `step` steps.
  static func encode(_ workbench: Workbench, step: Int, log: JSON) -> [UInt8] {
    SafeTensors.encode(
      workbench.state.map { ($0.name, $0.tensor.tensor.detached()) },
      metadata: [
        ("step", "\(step)"), ("log", log.line), ("config", ConfigurationFile.encode(workbench.config)),
      ])
  }

  /// Loads all of a checkpoint into a workbench. Nothing changes if it does not fit.
  ///
  /// Throws `RunError` that names the difference, and `FileError`.
  @discardableResult
  public static func restore(_ workbench: Workbench, from path: String) throws -> Restored {
    try restore(.everything, of: path, into: workbench)
  }

  /// Loads a part of a checkpoint into a workbench. Nothing changes if it does not fit.
  ///
  /// `called` is the step in the file's name. The checkpoint must contain the same step. A checkpoint that contains no
  /// step, because only its parameters are left, is assumed to have the step in its name, unless `part` is
  /// `everything`. Throws `RunError` that names the difference, and `FileError`.
  static func restore(_ part: Part, of path: String, into workbench: Workbench, called: Int? = nil) throws -> Restored {
    let file = try SafeTensorsFile(path)
    let metadata = file.header.metadata
    let wanted = part == .everything ? workbench.state : named(workbench.model.store.parameters)
    let tensors = try tensors(of: file, for: wanted)
    let step = try step(metadata["step"], path, called: part == .everything ? nil : called)
    if let called, step != called {
      throw RunError(
        "\(path): was made after step \(step), as it says itself; give it back its name, step-\(step).safetensors")
    }
    let log: JSON
    do {
      log = try metadata["log"].map { try JSON(parsing: Array($0.utf8)) } ?? .object([])
    } catch {
      throw RunError("\(path): what this checkpoint says of the logs is not JSON: \(error)")
    }
    let config = try metadata["config"].map {
      try ConfigurationFile.load(RunConfig.self, text: $0, name: "\(path) (its config)").value
    }
    assign(tensors, to: wanted)
    if part == .parametersAndEstimator {
      let own =
        named(workbench.estimator.store.parameters)
        + workbench.estimator.statistics.map { ("estimator/\($0.name)", $0) }
      if let tensors = try? Checkpoint.tensors(of: file, for: own) { assign(tensors, to: own) }
    }
    return Restored(step: step, log: log, config: config)
  }

  private static func step(_ text: String?, _ path: String, called: Int?) throws -> Int {
    if text == nil, let called { return called }
    guard let step = text.flatMap({ Int($0) }), TrainingConfig.reachableSteps.contains(step) else {
      throw RunError("\(path): this checkpoint does not say after which step it was made")
    }
    return step
  }

  /// Loads another run's parameters into a workbench: the model's, and the estimator's if that run has the same ones.
  ///
  /// Throws `RunError` that names the difference if the model's parameters do not fit. Then nothing changes.
  static func initialize(_ workbench: Workbench, from path: String) throws {
    let file = try SafeTensorsFile(path)
    let (model, estimator) = (named(workbench.model.store.parameters), named(workbench.estimator.store.parameters))
    assign(try tensors(of: file, for: model), to: model)
    if let tensors = try? tensors(of: file, for: estimator) { assign(tensors, to: estimator) }
  }

  private static func named(_ parameters: [Parameter]) -> [(name: String, tensor: Parameter)] {
    parameters.map { ("parameters/\($0.name)", $0) }
  }

  /// The tensors for a state. All shapes are compared before any data is read, so that no tensor larger than the
  /// workbench's is read.
  private static func tensors(
    of file: SafeTensorsFile, for state: [(name: String, tensor: Parameter)]
  ) throws -> [Tensor] {
    for (name, parameter) in state {
      guard let entry = file.header.entries[name] else {
        let isStripped =
          !name.hasPrefix("parameters/") && file.header.entries.keys.allSatisfy { $0.hasPrefix("parameters/") }
        throw RunError(
          "\(file.path): \(name) is missing in this checkpoint; "
            + (isStripped
              ? "it holds parameters alone, which do for evaluate, infer, sample, figure and --init-from, but no training "
                + "can go on from them"
              : "it belongs to another config"))
      }
      guard entry.shape == parameter.shape else {
        throw RunError("\(file.path): \(name) has shape \(entry.shape), the config makes it \(parameter.shape)")
      }
    }
    return try state.map { name, _ in
      let tensor = try file.tensor(name)
      guard tensor.array().allSatisfy(\.isFinite) else {
        throw RunError("\(file.path): \(name) holds values that are not finite numbers")
      }
      return tensor
    }
  }

  private static func assign(_ tensors: [Tensor], to state: [(name: String, tensor: Parameter)]) {
    for ((_, parameter), tensor) in zip(state, tensors) { parameter.assign(tensor) }
  }
}
