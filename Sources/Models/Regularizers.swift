import Configuration
import Inference
import Layers
import Tensors

/// Something the training asks for beside the bound. One is a file with its type and config, and a line in `regularizers`.
public protocol Regularizer {
  /// What it adds to the loss of a pass that was drawn so.
  func penalty(on pass: Pass, drawing draw: Draw) -> Penalty
}

/// The config of a regularizer, which knows what models it can work on.
public protocol RegularizerConfig: Configurable {
  /// What the model lacks, and what to do; nil where it lacks nothing.
  func obstacle(in model: Choice) -> String?
}

/// All regularizers, one line each; they are made for a model that their config has no obstacle in.
public let regularizers = Registry<any SceneModel, any Regularizer>(
  "regularizer",
  [
    .entry("information", "slots can be told apart by what they generate (DM-VAE)", defaults: Information.Config()) {
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

/// A model in training: its passes carry what regularizers add.
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
