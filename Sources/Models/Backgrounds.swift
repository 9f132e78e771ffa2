import Configuration
import Layers
import Tensors

/// A model of the background behind the objects.
protocol Background {
  /// Decodes a background [batch, channel, height, width] from the controller's last state [batch, hidden].
  ///
  /// Returns nil for a black background.
  func draw(_ hidden: Tensor, like images: Tensor) -> Tensor?
}

struct BackgroundContext {
  let hidden, pixels: Int
  let scope: Scope
}

/// All backgrounds, one entry each.
let backgrounds = Registry<BackgroundContext, any Background>(
  "background",
  [
    .entry("none", "black", defaults: NoSettings()) { _, _ in NoBackground() },
    .entry("mlp", "decoded from the last hidden state (Kosiorek 2017, eq. 11)", defaults: MLPBackground.Config()) {
      MLPBackground($0, $1)
    },
  ])

struct NoBackground: Background {
  func draw(_ hidden: Tensor, like images: Tensor) -> Tensor? { nil }
}

/// A background decoded from the controller's last state: b = sigmoid(MLP(h_T)).  Kosiorek 2017, eq. (11).
struct MLPBackground: Background {
  struct Config: Configurable {
    var hidden = [200]
    var outputBias = -2.0
    static let fields: [Field<Config>] = [
      .integers("hidden", \.hidden, in: 1...8192, "hidden layers"),
      .number("output_bias", \.outputBias, in: -20...20, "added before the sigmoid"),
    ]
  }

  private let layers: MLP
  private let outputBias: Float

  init(_ config: Config, _ context: BackgroundContext) {
    layers = MLP(inputs: context.hidden, hidden: config.hidden, outputs: context.pixels, in: context.scope)
    outputBias = Float(config.outputBias)
  }

  func draw(_ hidden: Tensor, like images: Tensor) -> Tensor? {
    layers(hidden).scaled(by: 1, plus: outputBias).sigmoid().reshaped(images.shape)
  }
}
