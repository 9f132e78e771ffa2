import Configuration
import Inference
import Layers
import Tensors

/// Discrete-AIR's appearance: a category has a template, which attributes modify.
/// Wang et al. 2019, sections 3.1 to 3.3.
///
/// The patch is the sigmoid of f_t(z_cat) combined with f_a(z_attr). Without attributes, it is the template alone.
struct CategoryAppearance: Appearance {
  struct Config: AppearanceConfig, DiscreteAppearanceConfig {
    enum Combination: String, CaseIterable, Sendable { case additive, multiplicative, convolutional }

    var categories = 10
    var attributes = 1
    var encoder = [200]
    var template = [200]
    var upsampling: [Int] = []
    var modifier = [200]
    var combination = Combination.additive
    var kernel = 5
    var outputBias = -2.0

    static let fields: [Field<Config>] = [
      .integer("categories", \.categories, in: 2...4096, "number of categories"),
      .integer("attributes", \.attributes, in: 0...4096, "number of normal attributes; 0: the category says it all"),
      .integers("encoder", \.encoder, in: 1...8192, "hidden layers from glimpse to category and attributes"),
      .integers("template", \.template, in: 1...8192, "hidden layers from category to template; none: a table"),
      .integers(
        "upsampling", \.upsampling, in: 1...1024,
        "channels of small maps that transposed convolutions make the template of, each doubling the side; none: dense"),
      .integers("modifier", \.modifier, in: 1...8192, "hidden layers from attributes to what modifies the template"),
      .choice("combination", \.combination, "what attributes do to a template: add, multiply, or filter it"),
      .integer("kernel", \.kernel, in: 1...31, "side of the filters of combination: convolutional; odd"),
      .number("output_bias", \.outputBias, in: -20...20, "added before the sigmoid: patches start dark"),
    ]

    var discreteNodes: [DiscreteNode] { [.categorical("category", outcomes: categories)] }

    func problems() -> [Problem] {
      kernel % 2 == 0 ? [Problem(key: "kernel", "\(kernel) is even; a filter has a center, so its side is odd")] : []
    }

    func obstacle(glimpse side: Int) -> String? {
      if combination == .convolutional, kernel > side {
        return "has a 'kernel' of \(kernel), larger than a 'glimpse' of \(side); choose a smaller filter"
      }
      let doublings = upsampling.count
      if doublings >= Int.bitWidth - 1 || side % (1 << doublings) != 0 {
        return
          "has \(doublings) maps in 'upsampling', but a 'glimpse' of \(side) pixels cannot be made by doubling as often; "
          + "name fewer maps, or a glimpse that is a multiple of 2^\(doublings)"
      }
      return nil
    }
  }

  private let config: Config
  private let context: AppearanceContext
  private let encoder: MLP
  private let template: Template
  private let modifier: MLP?
  private let priorMean: Tensor
  private let priorDeviation: Tensor

  /// f_t without the sigmoid.
  private enum Template {
    case dense(MLP)
    case upsampled(UpsamplingDecoder)

    func callAsFunction(_ categories: Tensor) -> Tensor {
      switch self {
      case .dense(let layers): layers(categories)
      case .upsampled(let decoder): decoder(categories)
      }
    }
  }

  init(_ config: Config, _ context: AppearanceContext) {
    self.config = config
    self.context = context
    let side = context.side
    let pixels = context.channels * side * side
    encoder = MLP(
      inputs: pixels, hidden: config.encoder, outputs: config.categories + 2 * config.attributes,
      in: context.scope.child("encoder"))
    let scope = context.scope.child("template")
    template =
      config.upsampling.isEmpty
      ? .dense(MLP(inputs: config.categories, hidden: config.template, outputs: pixels, in: scope))
      : .upsampled(
        UpsamplingDecoder(
          inputs: config.categories, hidden: config.template, maps: config.upsampling, channels: context.channels,
          side: side, in: scope))
    let modifications =
      config.combination == .convolutional ? context.channels * config.kernel * config.kernel : pixels
    modifier =
      config.attributes == 0
      ? nil
      : MLP(
        inputs: config.attributes, hidden: config.modifier, outputs: modifications,
        in: context.scope.child("modifier"))
    priorMean = .zeros([config.attributes])
    priorDeviation = .ones([config.attributes])
  }

  var fedSize: Int { config.categories + config.attributes }
  var categories: Int { config.categories }
  var attributes: Int { config.attributes }

  func explain(_ glimpses: Tensor, drawing draw: Draw, step: Int) -> ObjectAppearance {
    let code = encoder(glimpses.flattened())
    let (categories, attributes) = (config.categories, config.attributes)
    let category = draw.categorical("category", step: step, logits: code.columns(0..<categories))
    var latents: [(node: String, latent: Term.Latent)] = [("category", .categorical(category))]
    var fed = category.sample
    var attributeSample = Tensor.zeros([glimpses.shape[0], 0])
    if attributes > 0 {
      let attribute = draw.normal(
        "attributes", step: step, mean: code.columns(categories..<categories + attributes),
        deviation: code.columns(categories + attributes..<categories + 2 * attributes).softplus(),
        priorMean: priorMean, priorDeviation: priorDeviation)
      latents.append(("attributes", .normal(attribute)))
      fed = .concatenating([fed, attribute.sample])
      attributeSample = attribute.sample
    }
    return ObjectAppearance(
      patch: patches(category.sample, attributes: attributeSample), fed: fed, latents: latents,
      category: category.sample)
  }

  func patches(_ categories: Tensor, attributes: Tensor) -> Tensor {
    var drawing = template(categories)
    if let modifier { drawing = modified(drawing, by: modifier(attributes)) }
    return drawing.scaled(by: 1, plus: Float(config.outputBias)).sigmoid()
      .reshaped([categories.shape[0], context.channels, context.side, context.side])
  }

  /// Combines a template f_t with f_a [batch, pixels], or with filters [batch, channels * kernel * kernel].
  /// Wang et al. 2019, section 3.2.
  ///
  /// Factors are 1 plus the network's output, and filters the unit filter plus the network's output, so that an output
  /// of 0 leaves the template unchanged.
  private func modified(_ template: Tensor, by change: Tensor) -> Tensor {
    switch config.combination {
    case .additive: return template + change
    case .multiplicative: return template * (1 + change)
    case .convolutional:
      let images = template.shape[0] * context.channels
      let planes = template.reshaped([images, context.side, context.side])
      let filters = change.reshaped([images, config.kernel, config.kernel])
      return (planes + planes.convolved(withOwn: filters)).reshaped(template.shape)
    }
  }
}
