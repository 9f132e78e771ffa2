import Configuration
import Inference
import Layers
import Tensors

/// KLs count for more, less or nothing in the loss: weights that differ from 1.
///
/// The bound that is reported stays the bound. Discrete-AIR's published code has presence: 30 and category: 0; beta-VAEs and
/// warm-up of KLs are others.
struct KLWeights: Regularizer {
  struct Config: RegularizerConfig {
    var presence = Schedule(1)
    var window = Schedule(1)
    var appearance = Schedule(1)
    var category = Schedule(1)
    var attributes = Schedule(1)
    var slot = Schedule(1)
    var noise = Schedule(1)

    static let fields: [Field<Config>] = [
      .schedule("presence", \.presence, in: 0...1e6, "weight of the KL of presences"),
      .schedule("window", \.window, in: 0...1e6, "weight of the KL of windows"),
      .schedule("appearance", \.appearance, in: 0...1e6, "weight of the KL of appearance: gaussian"),
      .schedule("category", \.category, in: 0...1e6, "weight of the KL of categories"),
      .schedule("attributes", \.attributes, in: 0...1e6, "weight of the KL of a category's attributes"),
      .schedule("slot", \.slot, in: 0...1e6, "weight of the KL of memory slots"),
      .schedule("noise", \.noise, in: 0...1e6, "weight of the KL of the noise beside a slot"),
    ]

    /// By node; those that are 1 and stay so are left out.
    fileprivate var weights: [(node: String, weight: Schedule)] {
      let all = [
        ("presence", presence), ("window", window), ("appearance", appearance), ("category", category),
        ("attributes", attributes), ("slot", slot), ("noise", noise),
      ]
      return all.filter { $0.1 != Schedule(1) }.map { (node: $0.0, weight: $0.1) }
    }

    func obstacle(in model: Choice) -> String? {
      guard let appearance = (model.config as? RecurrentSceneModel.Config)?.appearance.name else {
        return "'kl_weights' is about the nodes of recurrent models, which '\(model.name)' is not"
      }
      let nodes = ["presence", "window"] + (Self.nodes[appearance] ?? [])
      guard let stranger = weights.first(where: { !nodes.contains($0.node) })?.node else { return nil }
      return
        "'kl_weights' sets '\(stranger)', which model '\(model.name)' with appearance '\(appearance)' does not have; "
        + "its nodes are \(nodes.joined(separator: ", "))"
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
