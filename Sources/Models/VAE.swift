import Configuration
import Inference
import Layers
import Scenes
import Tensors

/// The VAE baseline of MVAE: one code for the whole scene.  Nash et al. 2017, appendix A.
///
/// The encoder and decoder are those of MVAE. A dense layer maps the outputs at all places to the parameters of the
/// code. The model does not name objects, so metrics that compare objects are not computed for it.
public final class VAE: CodeModel {
  public struct Config: ImageModelConfig {
    var size = 60
    var encoder = PlaceEncoder.Config()
    var decoder = ObjectDecoder.Config()

    public init() {}

    public static let fields: [Field<Config>] = [
      .integer("size", \.size, in: 1...4096, "numbers of the code"),
      .section("encoder", \.encoder, "from the image to the code"),
      .section("decoder", \.decoder, "from the code to the image"),
    ]

    public func obstacle(height: Int, width: Int) -> String? {
      encoder.obstacle(height: height, width: width) ?? decoder.obstacle(height: height, width: width)
    }
  }

  /// The number of values per place, as in MVAE with codes of size 12.
  private static let placeOutputs = 24

  public let store = ParameterStore()
  private let config: Config
  private let context: ModelContext
  private let encoder: PlaceEncoder
  private let head: Linear
  private let decoder: ObjectDecoder
  private let prior: StandardPrior

  /// Throws `ModelError` if the config does not work with the size of the images.
  public init(_ config: Config, _ context: ModelContext) throws {
    try ModelError.check(config, context)
    (self.config, self.context) = (config, context)
    let scope = Scope(store, random: context.random)
    encoder = PlaceEncoder(
      config.encoder, channels: context.channels, height: context.height, width: context.width,
      outputs: Self.placeOutputs, in: scope.child("encoder"))
    head = Linear(
      inputs: encoder.rows * encoder.columns * Self.placeOutputs, outputs: 2 * config.size, in: scope.child("head"))
    decoder = ObjectDecoder(
      config.decoder, .max, size: config.size, channels: context.channels, height: context.height,
      width: context.width, in: scope.child("decoder"))
    prior = StandardPrior(config.size)
  }

  public var objects: Int { 1 }
  public var codeSize: Int { config.size }

  public var contextShape: ContextShape {
    ContextShape(steps: 1, pixels: context.channels * context.height * context.width, fed: 0, discreteNodes: [])
  }

  public func constants(at progress: Progress) -> [(name: String, value: Tensor)] { [] }

  public func infer(_ images: Tensor, drawing draw: Draw) -> Pass {
    let latent = posterior(images, draw)
    let logits = decoder(latent.sample, objects: 1)
    return pass(latent, logLikelihood: images.bernoulliLogLikelihood(logits: logits))
  }

  private func posterior(_ images: Tensor, _ draw: Draw) -> NormalLatent {
    let numbers = head(encoder(images).flattened())
    return draw.normal(
      "scene", step: 0, mean: numbers.columns(0..<config.size),
      deviation: numbers.columns(config.size..<2 * config.size).scaled(by: 0.5).exp(), priorMean: prior.mean,
      priorDeviation: prior.deviation)
  }

  private func pass(_ latent: NormalLatent, logLikelihood: Tensor) -> Pass {
    let batch = logLikelihood.shape[0]
    return Pass(
      terms: [Term("scene", step: 0, mask: .ones([batch]), .normal(latent))], logLikelihood: logLikelihood,
      count: nil, contexts: [])
  }

  public func explain(_ images: Tensor) -> SceneExplanation {
    store.frozen {
      explanation(posterior(images, Draw(.mode, noise: RandomStream(seed: 0), progress: .end)))
    }
  }

  /// Draws scenes from the prior. `objects` is ignored: the code determines the whole scene.
  public func generate(_ count: Int, objects: Int?, random: RandomStream) -> SceneExplanation {
    let draw = Draw(.prior(objects: objects), noise: random, progress: .end)
    return explanation(
      draw.normal(
        "scene", step: 0, mean: .zeros([count, config.size]), deviation: .ones([count, config.size]),
        priorMean: prior.mean, priorDeviation: prior.deviation))
  }

  private func explanation(_ latent: NormalLatent) -> SceneExplanation {
    let batch = latent.sample.shape[0]
    return SceneExplanation(
      scenes: Array(repeating: Explanation(parts: [], namesObjects: false), count: batch),
      reconstruction: decoded(latent.sample, objects: 1),
      latents: pass(latent, logLikelihood: .zeros([batch])).latents)
  }

  public func codes(of images: Tensor) -> ObjectCodes {
    store.frozen {
      let latent = posterior(images, Draw(.mode, noise: RandomStream(seed: 0), progress: .end))
      return ObjectCodes(means: latent.sample, information: latent.kl().reshaped([images.shape[0], 1]))
    }
  }

  public func decoded(_ codes: Tensor, objects: Int) -> Tensor {
    store.frozen { decoder(codes, objects: objects).sigmoid() }
  }

  public func informationMap(of images: Tensor) -> Tensor? { nil }
}
