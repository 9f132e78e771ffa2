import Configuration
import Tensors

/// A model whose latents are codes of interchangeable objects. The single code of a VAE describes the whole scene.
public protocol CodeModel: SceneModel {
  /// The number of codes per image.
  var objects: Int { get }
  /// The number of values in a code.
  var codeSize: Int { get }
  /// Returns the means of the codes of images [batch, channel, height, width], with the highest KL first.
  func codes(of images: Tensor) -> ObjectCodes
  /// Decodes codes [batch * objects, size], grouped by image, into mean images [batch, channel, height, width].
  ///
  /// The number of objects per image is free.
  func decoded(_ codes: Tensor, objects: Int) -> Tensor
  /// The KL in nats of the code at every place of the grid, [batch, rows, columns]; nil for a model without a grid.
  func informationMap(of images: Tensor) -> Tensor?
}

/// The codes of a batch of images.
public struct ObjectCodes {
  /// The means of the codes, [batch * objects, size].
  public let means: Tensor
  /// The KL of each code from the prior in nats, [batch, objects], in descending order.
  public let information: Tensor
}

/// The config of a model that does not work with every image size.
public protocol ImageModelConfig: Configurable {
  /// Why images of this size do not work, and what to change; nil if they work.
  func obstacle(height: Int, width: Int) -> String?
}

/// The error for images whose size the model cannot process. If the config already determines the size, the config is
/// rejected instead.
public struct ModelError: Error, CustomStringConvertible {
  public let description: String

  static func check(_ config: some ImageModelConfig, _ context: ModelContext) throws {
    if let obstacle = config.obstacle(height: context.height, width: context.width) {
      throw ModelError(description: "the model does not suit the images of the dataset: \(obstacle)")
    }
  }
}

/// The prior of a code: N(0, 1) for every value.
struct StandardPrior {
  let mean, deviation: Tensor

  init(_ size: Int) { (mean, deviation) = (.zeros([size]), .ones([size])) }
}
