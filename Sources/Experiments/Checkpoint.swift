import Configuration
import Tensors

/// Everything a training needs to go on: parameters, optimizers, estimator, step, and how far its logs reach.
public enum Checkpoint {
  /// What a checkpoint holds beside the tensors that it put into a workbench.
  public struct Restored {
    public let step: Int
    let log: JSON
    /// The config of the run that made it.
    let config: RunConfig?
  }

  /// Writes the state after `step` steps, atomically. Throws `FileError`.
  static func write(_ workbench: Workbench, step: Int, log: JSON = .object([]), to path: String) throws {
    try SafeTensors.write(
      workbench.state.map { ($0.name, $0.tensor.tensor.detached()) },
      metadata: [
        ("step", "\(step)"), ("log", log.line), ("config", ConfigurationFile.encode(workbench.config)),
      ], to: path)
  }

  /// Puts a checkpoint's values into a workbench. Nothing changes if it does not fit.
  /// Throws `RunError` that names what differs, also where the checkpoint was made by another model or to be resumed,
  /// another config than the workbench's.
  @discardableResult
  public static func restore(_ workbench: Workbench, from path: String) throws -> Restored {
    let contents = try SafeTensors.read(path)
    guard let step = contents.metadata["step"].flatMap({ Int($0) }), step >= 0 else {
      throw RunError("\(path): this checkpoint does not say after which step it was made")
    }
    let log: JSON
    do {
      log = try contents.metadata["log"].map { try JSON(parsing: Array($0.utf8)) } ?? .object([])
    } catch {
      throw RunError("\(path): what this checkpoint says of the logs is not JSON: \(error)")
    }
    let config = try contents.metadata["config"].map {
      try ConfigurationFile.load(RunConfig.self, text: $0, name: "\(path) (its config)").value
    }
    try assign(contents, to: workbench.state, path)
    return Restored(step: step, log: log, config: config)
  }

  /// Puts another run's parameters into a workbench: the model's, and the estimator's where that run has the same.
  /// Throws `RunError` that names what differs in the model's; then nothing changes.
  static func initialize(_ workbench: Workbench, from path: String) throws {
    let contents = try SafeTensors.read(path)
    func named(_ parameters: [Parameter]) -> [(name: String, tensor: Parameter)] {
      parameters.map { ("parameters/\($0.name)", $0) }
    }
    try assign(contents, to: named(workbench.model.store.parameters), path)
    try? assign(contents, to: named(workbench.estimator.store.parameters), path)
  }

  private static func assign(
    _ contents: SafeTensors.Contents, to state: [(name: String, tensor: Parameter)], _ path: String
  ) throws {
    for (name, parameter) in state {
      guard let tensor = contents.tensors[name] else {
        throw RunError("\(path): \(name) is missing in this checkpoint; it belongs to another config")
      }
      guard tensor.shape == parameter.shape else {
        throw RunError("\(path): \(name) has shape \(tensor.shape), the config makes it \(parameter.shape)")
      }
      guard tensor.array().allSatisfy(\.isFinite) else {
        throw RunError("\(path): \(name) holds values that are not finite numbers")
      }
    }
    for (name, parameter) in state {
      if let tensor = contents.tensors[name] { parameter.assign(tensor) }
    }
  }
}
