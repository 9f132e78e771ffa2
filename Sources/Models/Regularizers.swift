import Configuration
import Inference
import Layers
import Tensors

/// A term that is added to the loss but is not part of the bound.
///
/// To add a regularizer, write a file with its type and config, and add an entry to `regularizers`.
public protocol Regularizer {
  /// Returns the penalty on a pass that was drawn with this draw.
  func penalty(on pass: Pass, drawing draw: Draw) -> Penalty
}

/// The config of a regularizer, which checks whether the regularizer works with a model.
public protocol RegularizerConfig: Configurable {
  /// What the model lacks, and what to change; nil if the regularizer works with it.
  func obstacle(in model: Choice) -> String?
}

/// All regularizers, one entry each. A regularizer is created only for a model in which its config finds no obstacle.
public let regularizers = Registry<any SceneModel, any Regularizer>(
  "regularizer",
  [
    .entry("information", "slots can be distinguished by what they generate (DM-VAE)", defaults: Information.Config()) {
      try Information($0, $1)
    },
    .entry("balance", "categories are all used", defaults: Balance.Config()) { config, _ in Balance(config) },
    .entry("count", "scenes have one of a few numbers of objects (AIR-ASR)", defaults: AllowedCounts.Config()) {
      config, _ in AllowedCounts(config)
    },
    .entry("overlap", "windows do not overlap (AIR-ASR)", defaults: SeparateWindows.Config()) {
      try SeparateWindows($0, $1)
    },
    .entry("kl_weights", "KLs count for more or less than in the bound", defaults: KLWeights.Config()) { config, _ in
      KLWeights(config)
    },
  ])

/// A model in training: adds the penalties of regularizers to the passes of a model.
public struct RegularizedModel: InferenceModel {
  private let model: any SceneModel
  private let regularizers: [any Regularizer]

  public init(_ model: any SceneModel, _ regularizers: [any Regularizer]) {
    (self.model, self.regularizers) = (model, regularizers)
  }

  public var contextShape: ContextShape { model.contextShape }
  public var store: ParameterStore { model.store }

  public func infer(_ images: Tensor, drawing draw: Draw) -> Pass {
    var pass = model.infer(images, drawing: draw)
    pass.penalties = regularizers.map { $0.penalty(on: pass, drawing: draw) }
    return pass
  }
}
