import Configuration
import Inference
import Layers
import Tensors

/// The names of all latents of all models. The term of a latent in the bound is named `<name>_kl`.
public let latentNames = KLWeights.Config.fields.map(\.key)

/// Multiplies the KL of each latent in the loss by a weight; the default weight is 1.
///
/// The reported bound is not affected. The weights presence: 30 and category: 0 are those of the code of Wang et al.
/// 2019, not of their paper. Other uses are beta-VAEs and KL warm-up.
struct KLWeights: Regularizer {
  struct Config: RegularizerConfig {
    var presence = Schedule(1)
    var window = Schedule(1)
    var appearance = Schedule(1)
    var category = Schedule(1)
    var attributes = Schedule(1)
    var slot = Schedule(1)
    var noise = Schedule(1)
    var object = Schedule(1)
    var scene = Schedule(1)

    static let fields: [Field<Config>] = [
      .schedule("presence", \.presence, in: 0...1e6, "weight of the KL of presences"),
      .schedule("window", \.window, in: 0...1e6, "weight of the KL of windows"),
      .schedule("appearance", \.appearance, in: 0...1e6, "weight of the KL of appearance: gaussian"),
      .schedule("category", \.category, in: 0...1e6, "weight of the KL of categories"),
      .schedule("attributes", \.attributes, in: 0...1e6, "weight of the KL of a category's attributes"),
      .schedule("slot", \.slot, in: 0...1e6, "weight of the KL of memory slots"),
      .schedule("noise", \.noise, in: 0...1e6, "weight of the KL of the noise next to a slot"),
      .schedule("object", \.object, in: 0...1e6, "weight of the KL of codes of objects (mvae)"),
      .schedule("scene", \.scene, in: 0...1e6, "weight of the KL of the code of a scene (vae)"),
    ]

    /// The weights by node, without those that are constantly 1.
    fileprivate var weights: [(node: String, weight: Schedule)] {
      let all = [
        ("presence", presence), ("window", window), ("appearance", appearance), ("category", category),
        ("attributes", attributes), ("slot", slot), ("noise", noise), ("object", object), ("scene", scene),
      ]
      return all.filter { $0.1 != Schedule(1) }.map { (node: $0.0, weight: $0.1) }
    }

    func obstacle(in model: Choice) -> String? {
      let (owner, nodes) = Self.nodes(of: model)
      guard let stranger = weights.first(where: { !nodes.contains($0.node) })?.node else { return nil }
      return
        "'kl_weights' sets '\(stranger)', which \(owner) does not have; its nodes are \(nodes.joined(separator: ", "))"
    }

    /// A description of the model for messages, and the names of its nodes.
    private static func nodes(of model: Choice) -> (owner: String, names: [String]) {
      let owner = "model '\(model.name)'"
      switch model.config {
      case is MVAE.Config: return (owner, ["object"])
      case is VAE.Config: return (owner, ["scene"])
      case let config as RecurrentSceneModel.Config:
        let appearance = config.appearance.name
        return ("\(owner) with appearance '\(appearance)'", ["presence", "window"] + (Self.nodes[appearance] ?? []))
      default: return (owner, [])
      }
    }

    private static let nodes = [
      "gaussian": ["appearance"], "category": ["category", "attributes"], "memory": ["slot", "noise"],
    ]
  }

  private let config: Config

  init(_ config: Config) { self.config = config }

  func penalty(on pass: Pass, drawing draw: Draw) -> Penalty {
    var sum: Tensor?
    for (node, weight) in config.weights {
      let extra = Float(weight.value(at: draw.progress) - 1)
      for term in pass.terms where term.node == node {
        let share = term.weightedKL.scaled(by: extra)
        sum = sum.map { $0 + share } ?? share
      }
    }
    return Penalty("kl_weights", perImage: sum)
  }
}
