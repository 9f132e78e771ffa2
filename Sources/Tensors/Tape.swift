import CKernels

/// One recorded operation: its inputs' nodes and the rule that sends a gradient back to them.
///
/// A node exists only if one of its inputs needs a gradient. Nodes hold references to each other from the loss to the
/// parameters, so a step's tape is freed with its loss.
package final class Node {
  package typealias Pullback = (_ gradient: Tensor, _ inputs: Cotangents) -> Void

  fileprivate private(set) var inputs: [Node?]
  fileprivate var pullback: Pullback?
  fileprivate var gradient: Tensor?
  fileprivate var isVisited = false

  package init(inputs: [Node?] = [], pullback: Pullback? = nil) {
    self.inputs = inputs
    self.pullback = pullback
  }

  fileprivate func takeGradient() -> Tensor? {
    defer { gradient = nil }
    return gradient
  }

  deinit {
    // A chain of thousands of operations must not be freed by recursion.
    var held = inputs
    inputs = []
    while !held.isEmpty {
      guard var node = held.removeLast(), isKnownUniquelyReferenced(&node) else { continue }
      held += node.inputs
      node.inputs = []
    }
  }
}

/// Receives the gradients that a pullback computes for its operation's inputs.
package struct Cotangents {
  fileprivate let nodes: [Node?]

  /// Whether input `index` needs a gradient.
  package func wants(_ index: Int) -> Bool { nodes[index] != nil }

  /// Adds to the gradient of input `index` in place. `body` receives the memory and whether to add (1) or to overwrite
  /// (0).
  package func accumulate(_ index: Int, shape: [Int], _ body: (UnsafeMutablePointer<Float>, Int32) -> Void) {
    guard let node = nodes[index] else { return }
    guard var sum = node.takeGradient() else {
      let fresh = Tensor(uninitialized: shape)
      body(fresh.pointer, 0)
      node.gradient = fresh
      return
    }
    if !isKnownUniquelyReferenced(&sum.storage) {
      let copy = Tensor(uninitialized: shape)
      copy.pointer.update(from: sum.pointer, count: sum.count)
      sum = copy
    }
    body(sum.pointer, 1)
    node.gradient = sum
  }

  /// Adds to the gradient of input `index`. If it is a parameter's only term, it may be computed only when it is used.
  func accumulate(_ index: Int, _ term: SparseWeightGradient) {
    guard let node = nodes[index] else { return }
    if node.inputs.isEmpty && node.gradient == nil && term.isBetterDeferred {
      node.gradient = Tensor(shape: term.shape, storage: Storage(term))
    } else {
      accumulate(index, shape: term.shape) { term.form(into: $0, accumulates: $1) }
    }
  }

  /// Adds a finished gradient of input `index`; its memory may be shared.
  package func add(_ gradient: @autoclosure () -> Tensor, to index: Int) {
    guard let node = nodes[index] else { return }
    let term = gradient()
    if node.gradient == nil {
      node.gradient = term
    } else {
      accumulate(index, shape: term.shape) { sum, _ in ck_affine(1, 0, term.pointer, sum, 1, Int64(term.count)) }
    }
  }
}

extension Tensor {
  /// Creates the result of an operation on `inputs`. It is on the tape if one of the inputs is.
  package init(
    shape: [Int], storage: Storage, from inputs: [Tensor], pullback: @escaping Node.Pullback
  ) {
    let nodes = inputs.map(\.node)
    let isRecorded = nodes.contains { $0 != nil }
    self.init(shape: shape, storage: storage, node: isRecorded ? Node(inputs: nodes, pullback: pullback) : nil)
  }

  /// Puts a computed tensor on the tape.
  package func recorded(from inputs: Tensor..., pullback: @escaping Node.Pullback) -> Tensor {
    Tensor(shape: shape, storage: storage, from: inputs, pullback: pullback)
  }

  package func recorded(from inputs: [Tensor], pullback: @escaping Node.Pullback) -> Tensor {
    Tensor(shape: shape, storage: storage, from: inputs, pullback: pullback)
  }
}

/// The gradients of a scalar with respect to parameters, in the order of the parameters; zeros for parameters on which
/// the scalar does not depend.
///
/// Buffers of the tape are released as the walk passes them, unless the tape is retained for another walk.
public func gradients(of loss: Tensor, for parameters: [Parameter], retainingTape: Bool = false) -> [Tensor] {
  let found = deferredGradients(of: loss, for: parameters, retainingTape: retainingTape)
  for gradient in found { _ = gradient.pointer }
  return found
}

/// The same as `gradients(of:for:retainingTape:)`, but a large gradient may be computed only when a thread first
/// requests its elements (`Tensor.forEachPart`).
package func deferredGradients(
  of loss: Tensor, for parameters: [Parameter], retainingTape: Bool = false
) -> [Tensor] {
  precondition(loss.count == 1, "gradients need a scalar, not shape \(loss.shape)")
  let nodes = loss.node.map(walk) ?? []
  loss.node?.gradient = Tensor(repeating: 1, shape: loss.shape)
  for node in nodes {
    node.isVisited = false
    guard !node.inputs.isEmpty, let gradient = node.takeGradient() else { continue }
    guard let pullback = node.pullback else {
      preconditionFailure("an earlier walk released this tape; it must retain it (retainingTape: true)")
    }
    pullback(gradient, Cotangents(nodes: node.inputs))
    if !retainingTape { node.pullback = nil }
  }
  let found = parameters.map { $0.leaf.gradient ?? .zeros($0.shape) }
  // Gradients of parameters that were not requested must not reach the next walk.
  for node in nodes { node.gradient = nil }
  return found
}

/// All nodes from `root` down to the parameters, each after every node that was computed from it.
private func walk(from root: Node) -> [Node] {
  var finished: [Node] = []
  var stack: [(node: Node, next: Int)] = [(root, 0)]
  root.isVisited = true
  while let (node, next) = stack.last {
    if next == node.inputs.count {
      finished.append(node)
      stack.removeLast()
    } else {
      stack[stack.count - 1].next += 1
      if let input = node.inputs[next], !input.isVisited {
        input.isVisited = true
        stack.append((input, 0))
      }
    }
  }
  return finished.reversed()
}
