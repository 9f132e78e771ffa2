import Tensors

/// The mean and variance of a gradient and of its parts, from independent samples.
///
/// Samples are accumulated as differences from a reference, so that rounding does not hide small differences. The
/// reference is the exact gradient if it is known, and the first sample otherwise.
struct GradientMoments {
  /// A subset of the gradient's tensors: all parameters, those of one module, or the logits of one discrete node.
  struct Part {
    let name: String
    let members: [Int]
  }

  /// The statistics of a part.
  struct Summary {
    /// The norm of the exact gradient, or of the mean if the exact gradient is unknown.
    let length: Double
    /// The bias along the exact gradient as a fraction of its norm, with the standard error: how far the mean's
    /// projection exceeds the exact gradient. Nil if the exact gradient is unknown or zero.
    let bias: (value: Double, error: Double)?
    /// The sum of the variances of all coordinates.
    let variance: Double
    /// The norm divided by the square root of the variance; nil if the variance is zero.
    var signalToNoise: Double? { variance > 0 ? length / variance.squareRoot() : nil }
  }

  let parts: [Part]
  private let reference: [Tensor]
  private let isExact: Bool
  private var sums: [Tensor]
  private var count = 0.0
  /// Sums for each part: squared norms of the differences, projections of the differences on the reference, and squared
  /// projections.
  private var squares, projections, projectionSquares: [Double]

  init(_ parts: [Part], reference: [Tensor], isExact: Bool) {
    (self.parts, self.reference, self.isExact) = (parts, reference, isExact)
    sums = reference.map { .zeros($0.shape) }
    squares = parts.map { _ in 0 }
    (projections, projectionSquares) = (squares, squares)
  }

  /// Adds a sample. It must have the shapes of the reference.
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

  /// The summary of the part at an index. Requires at least two samples.
  func summary(of index: Int) -> Summary {
    precondition(count > 1, "\(count) draws have no variance")
    let members = parts[index].members
    let meanSquare = members.reduce(0) { $0 + sums[$1].sumOfSquares() } / (count * count)
    let excess = squares[index] / count - meanSquare
    // Sums are in Float32. Differences of equal samples that remain from rounding do not count as variance.
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
