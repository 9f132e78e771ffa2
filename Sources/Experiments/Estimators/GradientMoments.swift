import Tensors

/// Mean and variance of a gradient and of parts of it, from independent draws.
///
/// Draws are gathered as differences from a reference, so that what all have in common is not lost to rounding: the exact
/// gradient where there is one, else the first draw.
struct GradientMoments {
  /// Some tensors of the gradient: all parameters, those of one module, or the logits of one discrete node.
  struct Part {
    let name: String
    let members: [Int]
  }

  /// What is known of a part.
  struct Summary {
    /// Length of the exact gradient; of the mean, where that is unknown.
    let length: Double
    /// By how much the mean exceeds the exact gradient along it, as a share of its length, with the standard error; nil
    /// where the exact one is unknown or zero.
    let bias: (value: Double, error: Double)?
    /// The variances of all coordinates together.
    let variance: Double
    /// Length over the root of the variance; nil where there is no variance.
    var signalToNoise: Double? { variance > 0 ? length / variance.squareRoot() : nil }
  }

  let parts: [Part]
  private let reference: [Tensor]
  private let isExact: Bool
  private var sums: [Tensor]
  private var count = 0.0
  /// Of each part: sums of squared lengths of differences, of their projections on the reference, and of the squares of those.
  private var squares, projections, projectionSquares: [Double]

  init(_ parts: [Part], reference: [Tensor], isExact: Bool) {
    (self.parts, self.reference, self.isExact) = (parts, reference, isExact)
    sums = reference.map { .zeros($0.shape) }
    squares = parts.map { _ in 0 }
    (projections, projectionSquares) = (squares, squares)
  }

  /// Requires the reference's shapes.
  mutating func add(_ draw: [Tensor]) {
    precondition(draw.count == reference.count, "a draw of \(draw.count) tensors, wanted \(reference.count)")
    count += 1
    let differences = zip(draw, reference).map { $0 - $1 }
    sums = zip(sums, differences).map { $0 + $1 }
    let lengths = differences.map { $0.sumOfSquares() }
    let products = zip(differences, reference).map { Double(($0 * $1).sum().scalar) }
    for (index, part) in parts.enumerated() {
      let projection = part.members.reduce(0) { $0 + products[$1] }
      squares[index] += part.members.reduce(0) { $0 + lengths[$1] }
      projections[index] += projection
      projectionSquares[index] += projection * projection
    }
  }

  /// The summary of a part by its place. Requires two draws.
  func summary(of index: Int) -> Summary {
    precondition(count > 1, "\(count) draws have no variance")
    let members = parts[index].members
    let meanSquare = members.reduce(0) { $0 + sums[$1].sumOfSquares() } / (count * count)
    let excess = squares[index] / count - meanSquare
    // What rounding leaves of draws that do not differ is no variance; sums are in Float32.
    let variance = excess > 1e-5 * meanSquare ? excess * count / (count - 1) : 0
    guard isExact else {
      let square = members.reduce(0) { $0 + (reference[$1] + sums[$1].scaled(by: Float(1 / count))).sumOfSquares() }
      return Summary(length: square.squareRoot(), bias: nil, variance: variance)
    }
    let square = members.reduce(0) { $0 + reference[$1].sumOfSquares() }
    guard square > 0 else { return Summary(length: 0, bias: nil, variance: variance) }
    let mean = projections[index] / count
    let spread = max(0, projectionSquares[index] / count - mean * mean) / (count - 1)
    return Summary(length: square.squareRoot(), bias: (mean / square, spread.squareRoot() / square), variance: variance)
  }
}
