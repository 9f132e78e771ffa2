import Configuration
import Inference
import Layers
import Tensors

/// How an object looks: infers it from a glimpse and decodes it into one.
protocol Appearance {
  /// Size of the latents that are fed to the next step.
  var fedSize: Int { get }
  /// The number of categories or memory slots; 0 where objects have none.
  var categories: Int { get }
  /// The number of continuous latents.
  var attributes: Int { get }
  /// glimpses [batch, channel, side, side] -> the object's latents and its patch of the same shape.
  func explain(_ glimpses: Tensor, drawing draw: Draw, step: Int) -> ObjectAppearance
  /// Patches [n, channel, side, side] of chosen objects: categories one-hot [n, categories], and attributes [n, attributes]
  /// in deviations of their prior from its mean.
  func patches(_ categories: Tensor, attributes: Tensor) -> Tensor
}

/// One step's appearance.
struct ObjectAppearance {
  /// Decoded object [batch, channel, side, side] in [0, 1].
  let patch: Tensor
  /// Latents for the next step [batch, size].
  let fed: Tensor
  /// Its nodes in causal order.
  let latents: [(node: String, latent: Term.Latent)]
  /// Its category or memory slot, one-hot or relaxed [batch, categories]; nil where there are none.
  var category: Tensor?
}

/// Sizes that an appearance is made for.
struct AppearanceContext {
  let channels, side: Int
  let scope: Scope
}

/// The config of an appearance that not every glimpse suits.
protocol AppearanceConfig: Configurable {
  /// What is wrong with a glimpse of this side, and what to do; nil where nothing is.
  func obstacle(glimpse side: Int) -> String?
}

/// The config of an appearance with discrete nodes.
protocol DiscreteAppearanceConfig: Configurable {
  /// In causal order.
  var discreteNodes: [DiscreteNode] { get }
}

/// All appearances, one line each.
let appearances = Registry<AppearanceContext, any Appearance>(
  "appearance",
  [
    .entry("gaussian", "one normal vector (AIR)", defaults: GaussianAppearance.Config()) { GaussianAppearance($0, $1) },
    .entry("category", "a category and attributes (Discrete-AIR)", defaults: CategoryAppearance.Config()) {
      CategoryAppearance($0, $1)
    },
    .entry("memory", "a memory slot and noise (DM-VAE)", defaults: MemoryAppearance.Config()) {
      MemoryAppearance($0, $1)
    },
  ])

/// AIR's z_what: a normal vector with a standard normal prior, MLP encoder and decoder.  Eslami et al. 2016.
struct GaussianAppearance: Appearance {
  struct Config: Configurable {
    var size = 50
    var encoder = [200]
    var decoder = [200]
    var outputBias = -2.0

    static let fields: [Field<Config>] = [
      .integer("size", \.size, in: 1...4096, "number of latents"),
      .integers("encoder", \.encoder, in: 1...8192, "hidden layers from glimpse to latents"),
      .integers("decoder", \.decoder, in: 1...8192, "hidden layers from latents to patch"),
      .number("output_bias", \.outputBias, in: -20...20, "added before the sigmoid: patches start dark"),
    ]
  }

  private let config: Config
  private let context: AppearanceContext
  private let encoder: MLP
  private let decoder: MLP
  private let priorMean: Tensor
  private let priorDeviation: Tensor

  init(_ config: Config, _ context: AppearanceContext) {
    self.config = config
    self.context = context
    let pixels = context.channels * context.side * context.side
    encoder = MLP(inputs: pixels, hidden: config.encoder, outputs: 2 * config.size, in: context.scope.child("encoder"))
    decoder = MLP(inputs: config.size, hidden: config.decoder, outputs: pixels, in: context.scope.child("decoder"))
    priorMean = .zeros([config.size])
    priorDeviation = .ones([config.size])
  }

  var fedSize: Int { config.size }
  var categories: Int { 0 }
  var attributes: Int { config.size }

  func explain(_ glimpses: Tensor, drawing draw: Draw, step: Int) -> ObjectAppearance {
    let code = encoder(glimpses.flattened())
    let latent = draw.normal(
      "appearance", step: step, mean: code.columns(0..<config.size),
      deviation: code.columns(config.size..<2 * config.size).softplus(), priorMean: priorMean,
      priorDeviation: priorDeviation)
    return ObjectAppearance(
      patch: decode(latent.sample), fed: latent.sample, latents: [("appearance", .normal(latent))])
  }

  func patches(_ categories: Tensor, attributes: Tensor) -> Tensor { decode(attributes) }

  private func decode(_ sample: Tensor) -> Tensor {
    decoder(sample).scaled(by: 1, plus: Float(config.outputBias)).sigmoid()
      .reshaped([sample.shape[0], context.channels, context.side, context.side])
  }
}
