import Tensors

/// A discrete node that a model has at each of its steps.
public struct DiscreteNode: Sendable, Equatable {
  public let name: String
  /// The number of its outcomes.
  public let outcomes: Int
  /// Whether it is a presence: Bernoulli, fed to no later node, and without further nodes where it is 0.
  public let isPresence: Bool

  public static func presence(_ name: String = "presence") -> DiscreteNode {
    DiscreteNode(name: name, outcomes: 2, isPresence: true)
  }

  public static func categorical(_ name: String, outcomes: Int) -> DiscreteNode {
    DiscreteNode(name: name, outcomes: outcomes, isPresence: false)
  }
}

/// All that the discrete nodes of a scene can turn out to be.
struct SceneOutcomes {
  private let steps: Int
  private let nodes: [DiscreteNode]

  /// `nodes`: those of one step, in causal order.
  init(steps: Int, nodes: [DiscreteNode]) { (self.steps, self.nodes) = (steps, nodes) }

  /// Their number; nodes that do not exist count once. `Int.max` where it is beyond all counting.
  var count: Int {
    // From the last step on: a step's outcomes are those of its categories, each followed by all of the next step; an absence ends the scene.
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

  /// For each outcome the value of every node, step by step; nodes that do not exist are 0.
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

  /// An outcome of `listed` as samples of a batch in which all images have it.
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

/// Samples of single nodes that a draw is given instead of drawing them: by node and step, [batch] or [batch, K].
public struct NodeSamples {
  private struct Place: Hashable { let node: String, step: Int }
  private var samples: [Place: Tensor] = [:]

  public init() {}

  public subscript(node: String, step: Int) -> Tensor? {
    get { samples[Place(node: node, step: step)] }
    set { samples[Place(node: node, step: step)] = newValue }
  }
}

/// Leaves that are added to the logits of discrete nodes: what a loss sends back to them is its gradient with respect to the logits.
public final class LogitProbe {
  public private(set) var leaves: [(node: String, step: Int, leaf: Parameter)] = []
  public init() {}

  /// The logits with the node's leaf of zeros, which all passes over a batch share; one for all copies of an image.
  func tapped(_ logits: Tensor, _ node: String, _ step: Int, copies: Int) -> Tensor {
    if let known = leaves.first(where: { $0.node == node && $0.step == step }) {
      return logits + known.leaf.tensor.repeatingRows(copies)
    }
    let leaf = Parameter("\(node)/\(step)", .zeros([logits.shape[0] / copies] + logits.shape.dropFirst()))
    leaves.append((node, step, leaf))
    return logits + leaf.tensor.repeatingRows(copies)
  }
}
