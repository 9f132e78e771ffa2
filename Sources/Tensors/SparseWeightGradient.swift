import CKernels

/// The gradient x' dy of a weight matrix that multiplied mostly blank pixels x, before it is computed.
///
/// The gradient of AIR's image weights has 10 MB, and an update reads it once. It is therefore computed a few rows at a
/// time. Each block is used while it is in the cache, and the whole gradient is never written to memory.
final class SparseWeightGradient {
  /// [pixels, outputs] of the weight.
  let shape: [Int]
  /// The index of each pixel's first entry; the image and the value of each entry.
  private let starts, indices, values: Storage
  /// [images, outputs].
  private let dy: Tensor

  init(starts: Storage, indices: Storage, values: Storage, dy: Tensor, _ shape: [Int]) {
    (self.starts, self.indices, self.values, self.dy, self.shape) = (starts, indices, values, dy, shape)
  }

  var count: Int { shape[0] * shape[1] }

  /// Whether its norm costs less than the gradient itself.
  var isBetterDeferred: Bool { dy.rows * dy.rows <= 4 * values.count }

  /// Computes the whole gradient.
  func form(into gradient: UnsafeMutablePointer<Float>, accumulates: Int32) {
    measured {
      Threads.divide(self.shape[0], smallest: 64) {
        self.form($0, into: gradient + $0.lowerBound * self.shape[1], accumulates: accumulates)
      }
    }
  }

  /// Computes the gradient in blocks of rows, on all threads, and passes the range and the values of the elements of each
  /// block to `body`.
  func forEachBlock(_ body: @escaping (_ part: Range<Int>, _ gradient: UnsafePointer<Float>) -> Void) {
    let columns = shape[1]
    let height = max(1, SparseWeightGradient.blockSize / columns)
    measured {
      Threads.divide(self.shape[0], grain: height, smallest: 64) { part in
        let block = Storage(count: height * columns)
        for start in stride(from: part.lowerBound, to: part.upperBound, by: height) {
          let rows = start..<min(start + height, part.upperBound)
          self.form(rows, into: block.pointer, accumulates: 0)
          body(rows.lowerBound * columns..<rows.upperBound * columns, block.pointer)
        }
      }
    }
  }

  /// The number of elements of a block: 32 KB, which fit into the first-level cache.
  private static let blockSize = 8192

  private func form(_ rows: Range<Int>, into gradient: UnsafeMutablePointer<Float>, accumulates: Int32) {
    ck_sparse_weight_gradient(
      Int64(rows.count), Int64(shape[1]), starts.integers + rows.lowerBound, indices.integers, values.pointer,
      dy.pointer,
      gradient, accumulates)
  }

  private func measured(_ work: () -> Void) {
    Profile.measureSparse(2 * values.count * shape[1], of: 2 * dy.rows * count, work)
  }

  /// The sum of squares, from the dot products of the rows of dy: |x' dy|^2 = sum over pixels p and images i, j of
  /// x_ip x_jp dy_i . dy_j. Nil if that sum is not accurate, because its terms cancel or a dot product overflows.
  func sumOfSquares() -> Double? {
    let dots = Tensor(uninitialized: [dy.rows, dy.rows])
    multiply(dy.pointer, dy.pointer, otherTransposed: true, into: dots.pointer, m: dy.rows, n: dy.rows, k: shape[1])
    var size = 0.0
    let sum = ck_sparse_gradient_squares(
      Int64(shape[0]), Int64(dy.rows), starts.integers, indices.integers, values.pointer, dots.pointer, &size)
    return sum.isFinite && sum >= 1e-2 * size ? sum : nil
  }
}

extension Tensor {
  /// Passes all elements to `body` in parts, on all threads. A deferred gradient is computed part by part.
  package func forEachPart(_ body: @escaping (_ part: Range<Int>, _ values: UnsafePointer<Float>) -> Void) {
    if let deferred = storage.deferred { return deferred.forEachBlock(body) }
    let values = UnsafePointer(pointer)
    Threads.divide(count, grain: 1024, smallest: 32768) { body($0, values + $0.lowerBound) }
  }
}
