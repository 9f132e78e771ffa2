import Configuration
import Inference
import Layers
import Tensors

/// A model of how an object looks. It infers latents from a glimpse and decodes them into a patch.
protocol Appearance {
  /// The size of the latents that are fed to the next step.
  var fedSize: Int { get }
  /// The number of categories or memory slots; 0 if objects have none.
  var categories: Int { get }
  /// The number of continuous latents.
  var attributes: Int { get }
  /// Infers the latents of the object in glimpses [batch, channel, side, side] and decodes a patch of the same shape.
  func explain(_ glimpses: Tensor, drawing draw: Draw, step: Int) -> ObjectAppearance
  /// Returns patches [n, channel, side, side] of chosen objects.
  ///
  /// `categories` are one-hot [n, categories]. `attributes` [n, attributes] are in units of the prior's deviation,
  /// relative to the prior's mean.
  func patches(_ categories: Tensor, attributes: Tensor) -> Tensor
}

/// The appearance of the object of one step.
struct ObjectAppearance {
  /// The decoded object [batch, channel, side, side] in [0, 1].
  let patch: Tensor
  /// The latents that are fed to the next step [batch, size].
  let fed: Tensor
  /// The appearance's nodes in causal order.
  let latents: [(node: String, latent: Term.Latent)]
  /// The category or memory slot, one-hot or relaxed [batch, categories]; nil if objects have none.
  var category: Tensor?
}

/// The sizes and the parameter scope with which an appearance is created.
struct AppearanceContext {
  let channels, side: Int
  let scope: Scope
}

/// The config of an appearance that does not work with every glimpse size.
protocol AppearanceConfig: Configurable {
  /// Why a glimpse of this side does not work, and what to change; nil if it works.
  func obstacle(glimpse side: Int) -> String?
}

/// The config of an appearance with discrete nodes.
protocol DiscreteAppearanceConfig: Configurable {
  /// The discrete nodes in causal order.
  var discreteNodes: [DiscreteNode] { get }
}

/// All appearances, one entry each.
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
