import Tensors

/// A discrete node that a model has at each of its steps.
public struct DiscreteNode: Sendable, Equatable {
  public let name: String
  /// The number of outcomes.
  public let outcomes: Int
  /// Whether the node is a presence: a Bernoulli node that is not fed to later nodes and ends the scene if it is 0.
  public let isPresence: Bool

  public static func presence(_ name: String = "presence") -> DiscreteNode {
    DiscreteNode(name: name, outcomes: 2, isPresence: true)
  }

  public static func categorical(_ name: String, outcomes: Int) -> DiscreteNode {
    DiscreteNode(name: name, outcomes: outcomes, isPresence: false)
  }
}

/// All joint outcomes of the discrete nodes of a scene.
struct SceneOutcomes {
  private let steps: Int
  private let nodes: [DiscreteNode]

  /// `nodes` are the nodes of one step, in causal order.
  init(steps: Int, nodes: [DiscreteNode]) { (self.steps, self.nodes) = (steps, nodes) }

  /// The number of outcomes, or `Int.max` if it overflows. A node that does not exist has a single outcome.
  var count: Int {
    // Count from the last step to the first. Each outcome of a category is followed by all outcomes of the later nodes.
    // An absence ends the scene, which adds one outcome.
    var total = 1
    for _ in 0..<steps {
      for node in nodes.reversed() {
        if node.isPresence {
          total = total == .max ? .max : total + 1
        } else {
          let (product, isTooLarge) = total.multipliedReportingOverflow(by: node.outcomes)
          total = isTooLarge ? .max : product
        }
      }
    }
    return total
  }

  /// For each outcome, the value of every node, step by step. Nodes that do not exist have the value 0.
  var listed: [[Int]] {
    let decisions = (0..<steps).flatMap { _ in nodes }
    func outcomes(from index: Int) -> [[Int]] {
      guard index < decisions.count else { return [[]] }
      let later = outcomes(from: index + 1)
      let node = decisions[index]
      if node.isPresence {
        return [Array(repeating: 0, count: decisions.count - index)] + later.map { [1] + $0 }
      }
      return (0..<node.outcomes).flatMap { value in later.map { [value] + $0 } }
    }
    return outcomes(from: 0)
  }

  /// Returns an outcome of `listed` as the samples of a batch in which every image has this outcome.
  func samples(_ outcome: [Int], batch: Int) -> NodeSamples {
    var samples = NodeSamples()
    for (index, value) in outcome.enumerated() {
      let node = nodes[index % nodes.count]
      let sample: Tensor
      if node.isPresence {
        sample = Tensor(repeating: Float(value), shape: [batch])
      } else {
        sample = Tensor(shape: [node.outcomes], (0..<node.outcomes).map { $0 == value ? 1 : 0 }).repeated(rows: batch)
      }
      samples[node.name, index / nodes.count] = sample
    }
    return samples
  }
}

/// Samples that a draw uses for certain nodes instead of drawing them, by node and step: [batch] or [batch, K].
public struct NodeSamples {
  private struct Place: Hashable { let node: String, step: Int }
  private var samples: [Place: Tensor] = [:]

  public init() {}

  public subscript(node: String, step: Int) -> Tensor? {
    get { samples[Place(node: node, step: step)] }
    set { samples[Place(node: node, step: step)] = newValue }
  }
}

/// Collects gradients with respect to the logits of discrete nodes.
///
/// The probe adds a leaf of zeros to each node's logits. The gradient of a loss with respect to a leaf is its gradient
/// with respect to the logits.
public final class LogitProbe {
  public private(set) var leaves: [(node: String, step: Int, leaf: Parameter)] = []
  public init() {}

  /// Returns the logits plus the node's leaf. All passes over a batch share one leaf, and so do all copies of an image.
  func tapped(_ logits: Tensor, _ node: String, _ step: Int, copies: Int) -> Tensor {
    if let known = leaves.first(where: { $0.node == node && $0.step == step }) {
      return logits + known.leaf.tensor.repeatingRows(copies)
    }
    let leaf = Parameter("\(node)/\(step)", .zeros([logits.shape[0] / copies] + logits.shape.dropFirst()))
    leaves.append((node, step, leaf))
    return logits + leaf.tensor.repeatingRows(copies)
  }
}
