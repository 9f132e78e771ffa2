import Configuration
import Datasets
import Inference
import Models
import Tensors

/// Exports all values of one training step, to check them against other implementations.
public enum ExportStep {
  /// Writes a training step of a config: parameters, images, noise, constants, terms, losses and gradients.
  ///
  /// `step` selects the batch, the noise and the values of schedules. The parameters are the initial ones.
  public static func write(_ config: RunConfig, dataFolder: String, step: Int, to out: OutputFile) throws {
    try Threads.use(config.training.threads)
    let workbench = try Workbench(config, dataFolder: dataFolder)
    let images = try workbench.batches(from: step).next().images
    let record = NoiseRecord()
    let before = workbench.parameters.map { ("parameters/\($0.name)", copy($0)) }
    let estimate = workbench.estimator.estimate(
      workbench.regularized, images, at: step, noise: workbench.noise(at: step, record: record))
    let slopes = estimate.gradients(for: workbench.parameters)
    var tensors: [(name: String, tensor: Tensor)] = before
    tensors.append(("images", images))
    tensors += record.entries.map { ("noise/\($0.node)/\($0.step)", $0.noise) }
    tensors += (workbench.model.constants(at: .step(step)) + estimate.constants).map {
      ("constants/\($0.name)", $0.value)
    }
    tensors += estimate.terms.map { ("terms/\($0.name)", $0.value) }
    tensors += estimate.losses.map { ("loss/\($0.name)", $0.value.detached().reshaped([1])) }
    tensors += zip(workbench.parameters, slopes).map { ("gradients/\($0.name)", $1) }
    let metadata = [
      ("config", ConfigurationFile.encode(config)), ("estimator", config.estimator.name), ("step", "\(step)"),
    ]
    try out.write(SafeTensors.encode(tensors, metadata: metadata))
  }

  private static func copy(_ parameter: Parameter) -> Tensor {
    Tensor(shape: parameter.shape, parameter.tensor.array())
  }
}
