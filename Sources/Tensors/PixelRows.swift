import CKernels

/// Rows of pixels to be multiplied by weight matrices: a batch of images, or of objects drawn on a blank canvas.
///
/// Scenes are mostly blank, and a product that skips blank pixels does a fraction of the arithmetic. The number of
/// nonzero pixels alone decides whether a product skips them, so the same batch always takes the same path.
public final class PixelRows {
  /// The pixels [rows, columns], without their gradients.
  public let dense: Tensor
  /// The pixels with their tape node, if a network drew them.
  private let drawn: Tensor?
  private let compressed: Compressed?

  private struct Compressed {
    let rowStarts, rowIndices, rowValues, columnStarts, columnIndices, columnValues: Storage
    var nonzero: Int { rowValues.count }

    init(_ pixels: Tensor, nonzero: Int) {
      let (rows, columns) = (pixels.rows, pixels.columns)
      (rowStarts, columnStarts) = (Storage(count: rows + 1), Storage(count: columns + 1))
      (rowIndices, columnIndices) = (Storage(count: nonzero), Storage(count: nonzero))
      (rowValues, columnValues) = (Storage(count: nonzero), Storage(count: nonzero))
      ck_compress_rows(
        Int64(rows), Int64(columns), pixels.pointer, rowStarts.integers, rowIndices.integers, rowValues.pointer)
      ck_compress_columns(
        Int64(rows), Int64(columns), pixels.pointer, columnStarts.integers, columnIndices.integers,
        columnValues.pointer)
    }
  }

  /// The share of nonzero pixels above which the dense product is faster (measured: docs/performance.md).
  package static let densestSparseShare = 0.25

  /// Wraps images of any shape [rows, ...], which need no gradients. `isSparse` overrides the decision (for tests and
  /// measurements).
  public convenience init(_ pixels: Tensor, isSparse: Bool? = nil) {
    self.init(pixels, drawn: nil, isSparse: isSparse)
  }

  /// Wraps pixels [rows, ...] that a network drew; products send gradients back to them.
  ///
  /// Where the product skips pixels, those that are exactly zero get no gradient. So a zero must mean that nothing is
  /// drawn there: the pixel is outside the object's window.
  public convenience init(drawn pixels: Tensor, isSparse: Bool? = nil) {
    self.init(pixels, drawn: pixels.flattened(), isSparse: isSparse)
  }

  /// The same pixels, without gradients.
  public var detached: PixelRows { drawn == nil ? self : PixelRows(dense, nil, compressed) }

  private init(_ dense: Tensor, _ drawn: Tensor?, _ compressed: Compressed?) {
    (self.dense, self.drawn, self.compressed) = (dense, drawn, compressed)
  }

  private init(_ pixels: Tensor, drawn: Tensor?, isSparse: Bool?) {
    self.drawn = drawn
    dense = pixels.detached().flattened()
    compressed = Profile.measure(.sparseProducts) { [dense] in
      let nonzero = Int(ck_count_nonzero(dense.pointer, Int64(dense.count)))
      let isSparse = isSparse ?? (Double(nonzero) < PixelRows.densestSparseShare * Double(dense.count))
      return isSparse ? Compressed(dense, nonzero: nonzero) : nil
    }
  }

  public var rows: Int { dense.rows }
  public var isSparse: Bool { compressed != nil }

  /// pixels weight + bias: [rows, columns] x [columns, n] -> [rows, n].
  public func product(_ weight: Tensor, _ bias: Tensor?) -> Tensor {
    guard let parts = compressed else { return (drawn ?? dense).dense(weight, bias) }
    let (rows, columns, n) = (Int64(dense.rows), Int64(dense.columns), Int64(weight.shape[1]))
    precondition(weight.shape[0] == dense.columns, "pixels \(dense.shape) do not fit the weight \(weight.shape)")
    let shape = weight.shape
    let hasBias = bias != nil
    let out = Tensor(uninitialized: [dense.rows, shape[1]])
    let (operations, all) = (2 * parts.nonzero * shape[1], 2 * dense.count * shape[1])
    Profile.measureSparse(operations, of: all) {
      Threads.divide(shape[1], grain: 64, smallest: 64) { part in
        ck_sparse_product(
          rows, columns, n, Int64(part.lowerBound), Int64(part.upperBound), parts.rowStarts.integers,
          parts.rowIndices.integers, parts.rowValues.pointer, weight.pointer, bias?.pointer, out.pointer)
      }
    }
    let others = [bias, drawn].compactMap { $0 }
    let isDrawn = drawn != nil
    return out.recorded(from: [weight] + others) { dy, inputs in
      inputs.accumulate(
        0,
        SparseWeightGradient(
          starts: parts.columnStarts, indices: parts.columnIndices, values: parts.columnValues, dy: dy.detached(), shape
        ))
      if hasBias {
        inputs.accumulate(1, shape: [shape[1]]) { ck_column_sums(rows, n, dy.pointer, $0, $1) }
      }
      if isDrawn {
        inputs.accumulate(others.count, shape: [Int(rows), shape[0]]) {
          let (gradient, accumulates) = ($0, $1)
          if accumulates == 0 { gradient.update(repeating: 0, count: Int(rows * columns)) }
          Profile.measureSparse(operations, of: all) {
            Threads.divide(shape[0], smallest: 64) { part in
              ck_sparse_input_gradient(
                Int64(part.lowerBound), Int64(part.upperBound), columns, n, parts.columnStarts.integers,
                parts.columnIndices.integers, dy.pointer, weight.pointer, gradient)
            }
          }
        }
      }
    }
  }
}

extension Storage {
  /// The same memory as 32-bit integers.
  var integers: UnsafeMutablePointer<Int32> {
    UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: Int32.self)
  }
}
