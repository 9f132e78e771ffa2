import Configuration
import Inference
import Layers
import Scenes
import Tensors

/// The multi-entity variational autoencoder: every place of a grid proposes an object; the best proposals are decoded.
///
/// A convolutional encoder gives q(z_s | x) for every place s. The N places with the highest KL from the prior are the
/// objects ("maximal-information attention", Nash et al. 2017, section 2.1). Their codes are sampled and decoded
/// together. The bound includes the KLs of only these N codes.
public final class MVAE: CodeModel {
  public struct Config: ImageModelConfig {
    var objects = 5
    var size = 12
    var encoder = PlaceEncoder.Config()
    var decoder = ObjectDecoder.Config()
    var aggregation = ObjectDecoder.Aggregation.max
    var countThreshold = 5.0

    public init() {}

    public static let fields: [Field<Config>] = [
      .integer("objects", \.objects, in: 1...255, "places whose codes are drawn (the paper's N)"),
      .integer("size", \.size, in: 1...4096, "numbers of a code"),
      .section("encoder", \.encoder, "from the image to the codes of places"),
      .section("decoder", \.decoder, "from codes to the image"),
      .choice("aggregation", \.aggregation, "how the maps of objects are united"),
      .number(
        "count_threshold", \.countThreshold, in: 0...1e6, "KL in nats above which a code counts as an object"),
    ]

    public func obstacle(height: Int, width: Int) -> String? {
      let obstacle =
        encoder.obstacle(height: height, width: width) ?? decoder.obstacle(height: height, width: width)
      if let obstacle { return obstacle }
      let places = encoder.places(height: height, width: width)
      guard objects <= places.rows * places.columns else {
        return "objects is \(objects), but the encoder has \(places.rows) x \(places.columns) places for images of "
          + "\(height) x \(width); lower 'objects' to \(places.rows * places.columns), or pool less in 'encoder.pooling'"
      }
      return nil
    }
  }

  public let store = ParameterStore()
  private let config: Config
  private let context: ModelContext
  private let encoder: PlaceEncoder
  private let decoder: ObjectDecoder
  private let prior: StandardPrior

  /// Throws `ModelError` if the config does not work with the size of the images.
  public init(_ config: Config, _ context: ModelContext) throws {
    try ModelError.check(config, context)
    (self.config, self.context) = (config, context)
    let scope = Scope(store, random: context.random)
    encoder = PlaceEncoder(
      config.encoder, channels: context.channels, height: context.height, width: context.width,
      outputs: 2 * config.size, in: scope.child("encoder"))
    decoder = ObjectDecoder(
      config.decoder, config.aggregation, size: config.size, channels: context.channels, height: context.height,
      width: context.width, in: scope.child("decoder"))
    prior = StandardPrior(config.size)
  }

  public var objects: Int { config.objects }
  public var codeSize: Int { config.size }

  public var contextShape: ContextShape {
    ContextShape(
      steps: objects, pixels: context.channels * context.height * context.width, fed: 0, discreteNodes: [])
  }

  public func constants(at progress: Progress) -> [(name: String, value: Tensor)] { [] }

  public func infer(_ images: Tensor, drawing draw: Draw) -> Pass {
    let found = posterior(images, draw)
    let logits = decoder(joined(found.latents), objects: objects)
    return pass(
      found.latents, logLikelihood: images.bernoulliLogLikelihood(logits: logits),
      counts: found.information.map { Float($0.count { Double($0) > config.countThreshold }) })
  }

  /// The codes of the selected places, with the highest KL first.
  private struct Found {
    /// One latent per object, each [batch, size].
    let latents: [NormalLatent]
    /// The place of each object and its KL in nats, both indexed [image][object].
    let places: [[Int]], information: [[Float]]
  }

  private func posterior(_ images: Tensor, _ draw: Draw) -> Found {
    let batch = images.shape[0]
    let places = encoder.rows * encoder.columns
    let proposals = encoder(images).reshaped([batch * places, 2 * config.size])
    let scores = divergences(proposals.detached()).reshaped([batch, places])
    let chosen = scores.largestColumns(objects)
    let latents = (0..<objects).map { object in
      let own = proposals.gathered(rows: (0..<batch).map { $0 * places + chosen[$0][object] })
      return draw.normal(
        "object", step: object, mean: own.columns(0..<config.size), deviation: deviation(own), priorMean: prior.mean,
        priorDeviation: prior.deviation)
    }
    let values = scores.array()
    let information = chosen.enumerated().map { image, own in own.map { values[image * places + $0] } }
    return Found(latents: latents, places: chosen, information: information)
  }

  /// exp(log-variance / 2), from proposals [rows, 2 size].
  private func deviation(_ proposals: Tensor) -> Tensor {
    proposals.columns(config.size..<2 * config.size).scaled(by: 0.5).exp()
  }

  /// The KL of each proposal [rows, 2 size] from the prior, [rows], in nats.
  private func divergences(_ proposals: Tensor) -> Tensor {
    proposals.columns(0..<config.size).normalKL(
      deviation: deviation(proposals), priorMean: prior.mean, priorDeviation: prior.deviation)
  }

  /// The samples of all objects, [batch * objects, size].
  private func joined(_ latents: [NormalLatent]) -> Tensor {
    Tensor.concatenating(latents.map(\.sample)).reshaped([latents[0].sample.shape[0] * latents.count, config.size])
  }

  private func pass(_ latents: [NormalLatent], logLikelihood: Tensor, counts: [Float]) -> Pass {
    let batch = logLikelihood.shape[0]
    let terms = latents.enumerated().map { Term("object", step: $0, mask: .ones([batch]), .normal($1)) }
    return Pass(
      terms: terms, logLikelihood: logLikelihood, count: Tensor(shape: [batch], counts), contexts: [])
  }

  private func reported(_ latents: [NormalLatent]) -> [LatentValues] {
    let batch = latents[0].sample.shape[0]
    return pass(latents, logLikelihood: .zeros([batch]), counts: Array(repeating: 0, count: batch)).latents
  }

  public func explain(_ images: Tensor) -> SceneExplanation {
    store.frozen {
      let found = posterior(images, Draw(.mode, noise: RandomStream(seed: 0), progress: .end))
      let logits = decoder(joined(found.latents), objects: objects)
      let scenes = zip(found.places, found.information).map { places, information in
        let parts = zip(places, information).enumerated().compactMap { object, proposal in
          Double(proposal.1) > config.countThreshold ? part(object, place: proposal.0) : nil
        }
        return Explanation(parts: parts)
      }
      return SceneExplanation(scenes: scenes, reconstruction: logits.sigmoid(), latents: reported(found.latents))
    }
  }

  /// An object whose box covers the pixels of its place. The model does not report the position that a code encodes.
  private func part(_ object: Int, place: Int) -> Part {
    let (row, column) = (Double(place / encoder.columns), Double(place % encoder.columns))
    let height = Double(context.height) / Double(encoder.rows)
    let width = Double(context.width) / Double(encoder.columns)
    return Part(
      step: object,
      window: Box(
        left: column * width, top: row * height, right: (column + 1) * width, bottom: (row + 1) * height))
  }

  /// Draws scenes from the prior, with `objects` codes each (from 1 to the model's number; nil for all).
  ///
  /// A code also determines where its object is and whether it is visible, so the box of each part is the whole image.
  public func generate(_ count: Int, objects: Int?, random: RandomStream) -> SceneExplanation {
    let number = min(max(objects ?? self.objects, 1), self.objects)
    let image = Box(left: 0, top: 0, right: Double(context.width), bottom: Double(context.height))
    let parts = (0..<number).map { Part(step: $0, window: image) }
    let draw = Draw(.prior(objects: objects), noise: random, progress: .end)
    let (mean, deviation) = (Tensor.zeros([count, config.size]), Tensor.ones([count, config.size]))
    let latents = (0..<number).map {
      draw.normal(
        "object", step: $0, mean: mean, deviation: deviation, priorMean: prior.mean, priorDeviation: prior.deviation)
    }
    return SceneExplanation(
      scenes: Array(repeating: Explanation(parts: parts), count: count),
      reconstruction: decoded(joined(latents), objects: number), latents: reported(latents))
  }

  public func codes(of images: Tensor) -> ObjectCodes {
    store.frozen {
      let found = posterior(images, Draw(.mode, noise: RandomStream(seed: 0), progress: .end))
      return ObjectCodes(
        means: joined(found.latents),
        information: Tensor(shape: [images.shape[0], objects], found.information.flatMap { $0 }))
    }
  }

  public func decoded(_ codes: Tensor, objects: Int) -> Tensor {
    store.frozen { decoder(codes, objects: objects).sigmoid() }
  }

  public func informationMap(of images: Tensor) -> Tensor? {
    store.frozen {
      let proposals = encoder(images)
      return divergences(proposals.reshaped([proposals.rows, 2 * config.size]))
        .reshaped([images.shape[0], encoder.rows, encoder.columns])
    }
  }
}
