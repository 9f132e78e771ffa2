import Configuration
import Glibc
import Tensors

/// Everything a training needs to go on: parameters, optimizers, estimator, step.
public enum Checkpoint {
  /// Writes the state after `step` steps, atomically.
  static func write(_ workbench: Workbench, step: Int, to path: String) throws {
    try SafeTensors.write(
      workbench.state.map { ($0.name, $0.tensor.tensor.detached()) },
      metadata: [("step", "\(step)"), ("config", ConfigurationFile.encode(workbench.config))], to: path)
  }

  /// Puts a checkpoint's values into a workbench; returns the number of steps it holds. Nothing changes if it does not fit.
  /// Throws `RunError` that names what differs.
  public static func restore(_ workbench: Workbench, from path: String) throws -> Int {
    let contents = try SafeTensors.read(path)
    guard let step = contents.metadata["step"].flatMap({ Int($0) }), step >= 0 else {
      throw RunError("\(path): this checkpoint does not say after which step it was made")
    }
    for (name, parameter) in workbench.state {
      guard let tensor = contents.tensors[name] else {
        throw RunError("\(path): \(name) is missing in this checkpoint")
      }
      guard tensor.shape == parameter.shape else {
        throw RunError("\(path): \(name) has shape \(tensor.shape), the config makes it \(parameter.shape)")
      }
    }
    for (name, parameter) in workbench.state {
      if let tensor = contents.tensors[name] { parameter.assign(tensor) }
    }
    return step
  }
}
