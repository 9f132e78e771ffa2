import Configuration
import Tensors

/// A model whose latents are codes of interchangeable objects; a scene as a whole may be the only one.
public protocol CodeModel: SceneModel {
  /// Codes of an image.
  var objects: Int { get }
  /// Numbers of a code.
  var codeSize: Int { get }
  /// The means of the codes of images [batch, channel, height, width], the most informative first.
  func codes(of images: Tensor) -> ObjectCodes
  /// codes [batch * objects, size], those of an image following each other -> mean images [batch, channel, height, width].
  /// Any number of objects an image will do.
  func decoded(_ codes: Tensor, objects: Int) -> Tensor
  /// The KL of every place's code in nats, [batch, rows, columns]; nil for a model without places.
  func informationMap(of images: Tensor) -> Tensor?
}

/// What a model of codes makes of images.
public struct ObjectCodes {
  /// [batch * objects, size]
  public let means: Tensor
  /// KL of each code from the prior in nats, [batch, objects], falling.
  public let information: Tensor
}

/// The config of a model that not all images suit.
public protocol ImageModelConfig: Configurable {
  /// What is wrong with images of this size, and what to do; nil where nothing is.
  func obstacle(height: Int, width: Int) -> String?
}

/// Images that a model cannot be made for; where the size is known from the config, the config is refused before.
public struct ModelError: Error, CustomStringConvertible {
  public let description: String

  static func check(_ config: some ImageModelConfig, _ context: ModelContext) throws {
    if let obstacle = config.obstacle(height: context.height, width: context.width) {
      throw ModelError(description: "the model does not suit the images of the dataset: \(obstacle)")
    }
  }
}

/// N(0, 1) for every number of a code.
struct StandardPrior {
  let mean, deviation: Tensor

  init(_ size: Int) { (mean, deviation) = (.zeros([size]), .ones([size])) }
}
