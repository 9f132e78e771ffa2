import Configuration
import Inference
import Layers
import Scenes
import Tensors

/// A model of scenes: what the trainer, the evaluation and the command line see of it.
public protocol SceneModel: InferenceModel {
  /// What the model makes of images [batch, channel, height, width]: objects, boxes and a reconstruction, from modes and means.
  func explain(_ images: Tensor) -> SceneExplanation
  /// Scenes from the model's own expectation of them, at the final values of schedules; with `objects` objects each,
  /// where that is given (at most as many as the model has steps). The reconstruction is the mean image of the likelihood.
  func generate(_ count: Int, objects: Int?, random: RandomStream) -> SceneExplanation
  /// Numbers that a training step used beside parameters and noise, by name (for `export-step`).
  func constants(at progress: Progress) -> [(name: String, value: Tensor)]
}

/// The config of a model that draws discrete nodes.
public protocol DiscreteModelConfig: Configurable {
  /// Inference steps.
  var steps: Int { get }
  /// The discrete nodes of each step, in causal order.
  var discreteNodes: [DiscreteNode] { get }
}

/// A model's account of a batch of images.
public struct SceneExplanation {
  /// One for each image.
  public let scenes: [Explanation]
  /// The canvas [batch, channel, height, width].
  public let reconstruction: Tensor
  /// Every latent by its name, such as `presence`, `window` and `appearance`, for all steps, also those without an object.
  public let latents: [LatentValues]
}

/// What a model is made for.
public struct ModelContext {
  public let channels, height, width: Int
  public let random: RandomStream

  public init(channels: Int, height: Int, width: Int, random: RandomStream) {
    (self.channels, self.height, self.width, self.random) = (channels, height, width, random)
  }
}
