import CKernels

/// The gradient x' dy of a weight matrix by which mostly blank pixels x were multiplied, before it is formed.
///
/// For AIR's image weights it is 10 MB that an update reads once. Formed a few rows at a time, each block is used while it is
/// in the cache, and the whole is never written to memory.
final class SparseWeightGradient {
  /// [pixels, outputs] of the weight.
  let shape: [Int]
  /// Where each pixel's entries start; the image and the value of each entry.
  private let starts, indices, values: Storage
  /// [images, outputs].
  private let dy: Tensor

  init(starts: Storage, indices: Storage, values: Storage, dy: Tensor, _ shape: [Int]) {
    (self.starts, self.indices, self.values, self.dy, self.shape) = (starts, indices, values, dy, shape)
  }

  var count: Int { shape[0] * shape[1] }

  /// Whether its norm costs less than forming it.
  var isBetterDeferred: Bool { dy.rows * dy.rows <= 4 * values.count }

  /// Forms all of it.
  func form(into gradient: UnsafeMutablePointer<Float>, accumulates: Int32) {
    measured {
      Threads.divide(self.shape[0], smallest: 64) {
        self.form($0, into: gradient + $0.lowerBound * self.shape[1], accumulates: accumulates)
      }
    }
  }

  /// Forms all of it in blocks of rows and hands each to `body`, on all threads: the range of its elements, and their values.
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

  /// Elements of a block: 32 KB, so that it stays in the first level of the cache.
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

  /// Its sum of squares, which needs the dot products of the rows of dy alone: |x' dy|^2 = sum over pixels p and images i, j of
  /// x_ip x_jp dy_i . dy_j. Nil where rounding would show (the terms cancel, or a dot product overflows).
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
  /// Hands all elements to `body` in parts, on all threads. A gradient that is not formed yet is formed part by part.
  package func forEachPart(_ body: @escaping (_ part: Range<Int>, _ values: UnsafePointer<Float>) -> Void) {
    if let deferred = storage.deferred { return deferred.forEachBlock(body) }
    let values = UnsafePointer(pointer)
    Threads.divide(count, grain: 1024, smallest: 32768) { body($0, values + $0.lowerBound) }
  }
}
