import Configuration
import Layers
import Tensors

/// Decodes codes into an image: g turns each code into feature maps, which are combined element by element, and h draws
/// the result.  Nash et al. 2017, section 2 and appendix A.
///
/// f(z) = h(aggregate of g(z_n)) does not depend on the order of the objects. g consists of dense layers that output
/// small maps, followed by convolutions, each followed by bilinear upsampling by 2. h consists of convolutions and one
/// upsampling by 2.
struct ObjectDecoder {
  /// How the maps of the objects are combined into the maps of the scene.
  enum Aggregation: String, CaseIterable, Sendable { case max, sum }

  struct Config: Configurable {
    var dense = [256]
    var maps = 16
    var object = [32, 32]
    var scene = [32, 32]
    var side = 3
    var outputBias = 0.0

    static let fields: [Field<Config>] = [
      .integers("dense", \.dense, in: 1...65536, "hidden layers from a code to an object's first maps"),
      .integer("maps", \.maps, in: 1...4096, "channels of the first maps"),
      .integers("object", \.object, in: 1...4096, "channels of an object's convolutions, each followed by a doubling"),
      .integers(
        "scene", \.scene, in: 1...4096, "channels of the scene's convolutions; after the first the maps are doubled"),
      .integer("side", \.side, in: 1...15, "side of the kernels, odd"),
      .number("output_bias", \.outputBias, in: -20...20, "added to the logits at the start: images start dark below 0"),
    ]

    func problems() -> [Problem] {
      (scene.isEmpty ? [Problem(key: "scene", "is empty; name at least one convolution")] : [])
        + [oddSide(side)].compactMap { $0 }
    }

    /// The ratio of the side of an image to the side of an object's first maps.
    var enlargement: Int { 2 << object.count }

    /// Why images of this size do not work, and what to change; nil if they work.
    func obstacle(height: Int, width: Int) -> String? {
      guard height % enlargement == 0, width % enlargement == 0 else {
        return "decoder.object doubles maps \(object.count) times and decoder.scene once, which does not lead to "
          + "images of \(height) x \(width); name fewer of 'decoder.object', or make the images' size a multiple of "
          + "\(enlargement)"
      }
      let smallest = min(height, width) / enlargement
      guard smallest > side / 2 else {
        return "decoder.object.0 has kernels of side \(side), too large for its \(height / enlargement) x "
          + "\(width / enlargement) pixels; lower 'decoder.side', or name fewer of 'decoder.object'"
      }
      return nil
    }
  }

  private let start: [Int]
  private let dense: MLP
  private let object: [Convolution]
  private let scene: [Convolution]
  private let output: PlaneConvolution
  private let aggregation: Aggregation

  /// `size` is the number of values in a code. Requires an image size without an obstacle.
  init(
    _ config: Config, _ aggregation: Aggregation, size: Int, channels: Int, height: Int, width: Int, in scope: Scope
  ) {
    start = [height / config.enlargement, width / config.enlargement, config.maps]
    self.aggregation = aggregation
    dense = MLP(
      inputs: size, hidden: config.dense, outputs: start.reduce(1, *), activation: .elu, outputActivation: .elu,
      in: scope.child("dense"))
    let own = [config.maps] + config.object
    // The upsampling after a convolution is done at the input of the next one.
    object = config.object.indices.map { index in
      Convolution(
        inputs: own[index], outputs: own[index + 1], side: config.side, activation: .elu,
        upsampling: index == 0 ? 1 : 2, in: scope.child("object").child("\(index)"))
    }
    let shared = [own[own.count - 1]] + config.scene
    scene = config.scene.indices.map { index in
      Convolution(
        inputs: shared[index], outputs: shared[index + 1], side: config.side, activation: .elu,
        upsampling: index == 1 ? 2 : 1, in: scope.child("scene").child("\(index)"))
    }
    output = PlaneConvolution(
      inputs: shared[shared.count - 1], channels: channels, side: config.side,
      bias: config.outputBias == 0 ? nil : .constant(Float(config.outputBias)), in: scope.child("output"))
  }

  /// Decodes codes [batch * objects, size], grouped by image, into logits [batch, channel, height, width].
  func callAsFunction(_ codes: Tensor, objects: Int) -> Tensor {
    let first = dense(codes).reshaped([codes.shape[0]] + start)
    let maps = object.reduce(first) { $1($0) }
    let factor = object.isEmpty ? 1 : 2
    let united =
      aggregation == .max
      ? maps.maxOver(objects: objects, upsampling: factor) : maps.sumOver(objects: objects, upsampling: factor)
    let drawn = scene.reduce(united) { $1($0) }
    return output(scene.count > 1 ? drawn : drawn.upsampled(by: 2))
  }
}
