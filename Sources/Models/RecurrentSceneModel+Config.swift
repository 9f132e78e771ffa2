import Configuration
import Inference
import Layers

extension RecurrentSceneModel {
  /// The parts of a recurrent scene model (the keys of `model`). Any combination is valid.
  public struct Config: DiscreteModelConfig {
    /// Whether the number of objects is inferred or always equal to the number of steps.
    public enum Presence: String, CaseIterable, Sendable { case inferred, always }

    public var steps = 3
    var presence = Presence.inferred
    var glimpse = 28
    var controller = Controller.Config()
    var head = [200]
    var window = WindowConfig()
    var appearance = appearances.choice("gaussian")
    var prior = scenePriors.choice("independent")
    var likelihood = likelihoods.choice("normal")
    var background = backgrounds.choice("none")

    public init() {}

    public static let fields: [Field<Config>] = [
      .integer("steps", \.steps, in: 1...64, "inference steps: the largest number of objects"),
      .choice("presence", \.presence, "inferred, or always: every scene has as many objects as there are steps"),
      .integer("glimpse", \.glimpse, in: 2...256, "side of a glimpse, in pixels"),
      .section("controller", \.controller, "the recurrent network"),
      .integers("head", \.head, in: 1...8192, "hidden layers between the LSTM and presence and window"),
      .section("window", \.window, "the attention window"),
      .variant("appearance", \.appearance, in: appearances, "how an object looks"),
      .variant("prior", \.prior, in: scenePriors, "what is expected of a scene"),
      .variant("likelihood", \.likelihood, in: likelihoods, "how pixels scatter around the canvas"),
      .variant("background", \.background, in: backgrounds, "what is behind the objects"),
    ]

    /// The discrete nodes of a step, in causal order.
    public var discreteNodes: [DiscreteNode] {
      let appearanceNodes = (appearance.config as? any DiscreteAppearanceConfig)?.discreteNodes ?? []
      return (presence == .inferred ? [.presence()] : []) + appearanceNodes
    }

    public func problems() -> [Problem] {
      let obstacle = (appearance.config as? any AppearanceConfig)?.obstacle(glimpse: glimpse)
      return obstacle.map { [Problem(key: "appearance", $0)] } ?? []
    }
  }
}
