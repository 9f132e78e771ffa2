import CKernels

extension Tensor {
  /// The same elements with another shape, which must have the same count. Memory is shared.
  public func reshaped(_ shape: [Int]) -> Tensor {
    precondition(shape.reduce(1, *) == count, "\(self.shape) cannot be reshaped to \(shape)")
    let before = self.shape
    return Tensor(shape: shape, storage: storage, from: [self]) { dy, inputs in
      inputs.add(dy.reshaped(before), to: 0)
    }
  }

  /// One row per batch entry: [batch, product of all other sizes].
  public func flattened() -> Tensor { reshaped([shape[0], count / shape[0]]) }

  /// Columns `range` of a matrix [rows, columns] -> [rows, range.count].
  public func columns(_ range: Range<Int>) -> Tensor {
    let (rows, width) = (self.rows, columns)
    precondition(range.lowerBound >= 0 && range.upperBound <= width, "columns \(range) of a matrix of \(width)")
    let before = shape
    let out = Tensor(uninitialized: Array(shape.dropLast()) + [range.count])
    copyColumns(rows, from: pointer, width, range.lowerBound, to: out.pointer, range.count, 0, range.count, 0)
    return out.recorded(from: self) { dy, inputs in
      inputs.accumulate(0, shape: before) { sum, accumulates in
        if accumulates == 0 { ck_fill(0, sum, Int64(rows * width)) }
        copyColumns(rows, from: dy.pointer, range.count, 0, to: sum, width, range.lowerBound, range.count, 1)
      }
    }
  }

  /// Matrices [rows, n_i] side by side -> [rows, sum of n_i].
  public static func concatenating(_ parts: [Tensor]) -> Tensor {
    let rows = parts[0].rows
    let widths = parts.map(\.columns)
    for part in parts { precondition(part.rows == rows, "parts of \(parts.map(\.shape)) differ in their rows") }
    let total = widths.reduce(0, +)
    let out = Tensor(uninitialized: Array(parts[0].shape.dropLast()) + [total])
    var at = 0
    for (part, width) in zip(parts, widths) {
      copyColumns(rows, from: part.pointer, width, 0, to: out.pointer, total, at, width, 0)
      at += width
    }
    let shapes = parts.map(\.shape)
    return out.recorded(from: parts) { dy, inputs in
      var at = 0
      for (index, width) in widths.enumerated() {
        inputs.accumulate(index, shape: shapes[index]) { sum, accumulates in
          copyColumns(rows, from: dy.pointer, total, at, to: sum, width, 0, width, accumulates)
        }
        at += width
      }
    }
  }

  /// One row, repeated: [columns] or [1, columns] -> [count, columns].
  public func repeated(rows count: Int) -> Tensor {
    let (width, before) = (self.count, shape)
    let out = Tensor(uninitialized: [count, width])
    for row in 0..<count { (out.pointer + row * width).update(from: pointer, count: width) }
    return out.recorded(from: self) { dy, inputs in
      inputs.accumulate(0, shape: before) {
        ck_column_sums(Int64(count), Int64(width), dy.pointer, $0, $1)
      }
    }
  }

  /// Repeats every row `times` times, the copies one after the other: [rows, ...] -> [rows * times, ...].
  public func repeatingRows(_ times: Int) -> Tensor {
    guard times != 1 else { return self }
    let rows = shape[0]
    return flattened().gathered(rows: (0..<rows * times).map { $0 / times }).reshaped(
      [rows * times] + shape.dropFirst())
  }

  /// Rows of a matrix by index: [rows, columns] -> [indices.count, columns].
  public func gathered(rows indices: [Int]) -> Tensor {
    let (width, before) = (columns, shape)
    let out = Tensor(uninitialized: [indices.count, width])
    for (row, index) in indices.enumerated() {
      precondition(index >= 0 && index < rows, "row \(index) of a matrix of \(rows)")
      (out.pointer + row * width).update(from: pointer + index * width, count: width)
    }
    return out.recorded(from: self) { dy, inputs in
      inputs.accumulate(0, shape: before) { sum, accumulates in
        if accumulates == 0 { ck_fill(0, sum, Int64(before.reduce(1, *))) }
        for (row, index) in indices.enumerated() {
          ck_affine(1, 0, dy.pointer + row * width, sum + index * width, 1, Int64(width))
        }
      }
    }
  }
}

/// Copies (or adds) `width` columns of `rows` rows between matrices of other widths.
private func copyColumns(
  _ rows: Int, from source: UnsafePointer<Float>, _ sourceWidth: Int, _ sourceAt: Int,
  to target: UnsafeMutablePointer<Float>, _ targetWidth: Int, _ targetAt: Int, _ width: Int, _ accumulates: Int32
) {
  for row in 0..<rows {
    let from = source + row * sourceWidth + sourceAt
    let to = target + row * targetWidth + targetAt
    if accumulates == 0 {
      to.update(from: from, count: width)
    } else {
      for column in 0..<width { to[column] += from[column] }
    }
  }
}
