import Configuration
import Inference
import Layers
import Scenes
import Tensors

/// A model of scenes, as seen by the trainer, the evaluation and the command line.
public protocol SceneModel: InferenceModel {
  /// Explains images [batch, channel, height, width]: objects, boxes and a reconstruction, using modes and means of
  /// latents.
  func explain(_ images: Tensor) -> SceneExplanation
  /// Draws `count` scenes from the model's priors, at the final values of schedules.
  ///
  /// If `objects` is given, each scene has that many objects (at most the number of the model's steps). The
  /// reconstruction is the mean image of the likelihood.
  func generate(_ count: Int, objects: Int?, random: RandomStream) -> SceneExplanation
  /// The constants that a training step uses in addition to parameters and noise, by name (for `export-step`).
  func constants(at progress: Progress) -> [(name: String, value: Tensor)]
}

/// The config of a model with discrete nodes.
public protocol DiscreteModelConfig: Configurable {
  /// The number of inference steps.
  var steps: Int { get }
  /// The discrete nodes of each step, in causal order.
  var discreteNodes: [DiscreteNode] { get }
}

/// A model's explanation of a batch of images.
public struct SceneExplanation {
  /// One explanation per image.
  public let scenes: [Explanation]
  /// The canvas [batch, channel, height, width].
  public let reconstruction: Tensor
  /// The values of every latent, such as `presence`, `window` and `appearance`, for all steps, even those without an
  /// object.
  public let latents: [LatentValues]
}

/// The image size and the random stream with which a model is created.
public struct ModelContext {
  public let channels, height, width: Int
  public let random: RandomStream

  public init(channels: Int, height: Int, width: Int, random: RandomStream) {
    (self.channels, self.height, self.width, self.random) = (channels, height, width, random)
  }
}
