import CKernels

extension Tensor {
  /// The sum of all elements, a scalar.
  public func sum() -> Tensor {
    let (before, n) = (shape, count)
    return Tensor(Float(ck_sum(pointer, Int64(n)))).recorded(from: self) { dy, inputs in
      let value = dy.scalar
      inputs.accumulate(0, shape: before) { sum, accumulates in
        if accumulates == 0 { ck_fill(value, sum, Int64(n)) } else { ck_affine(1, value, sum, sum, 0, Int64(n)) }
      }
    }
  }

  /// The mean of all elements, a scalar.
  public func mean() -> Tensor { sum().scaled(by: 1 / Float(count)) }

  /// Sums over the last axis: [..., columns] -> [...].
  public func rowSums() -> Tensor {
    let (before, rows, width) = (shape, Int64(self.rows), Int64(columns))
    let out = Tensor(uninitialized: Array(shape.dropLast()))
    ck_row_sums(rows, width, pointer, out.pointer, 0)
    return out.recorded(from: self) { dy, inputs in
      inputs.accumulate(0, shape: before) { sum, accumulates in
        spread(rows, width, dy, into: sum, accumulates)
      }
    }
  }

  /// log sum exp over the last axis: [..., columns] -> [...].
  public func logSumExp() -> Tensor {
    let x = detached()
    let (rows, width) = (Int64(self.rows), Int64(columns))
    let out = Tensor(uninitialized: Array(shape.dropLast()))
    ck_log_sum_exp_rows(rows, width, pointer, out.pointer)
    return out.recorded(from: self) { dy, inputs in
      let shares = x.softmax()
      inputs.accumulate(0, shape: x.shape) {
        ck_binary(CK_MULTIPLY, rows, width, shares.pointer, width, 1, dy.pointer, 1, 0, $0, $1)
      }
    }
  }

  /// Softmax over the last axis.
  public func softmax() -> Tensor {
    let (rows, width) = (Int64(self.rows), Int64(columns))
    let y = Tensor(uninitialized: shape)
    ck_softmax_rows(rows, width, pointer, y.pointer)
    return y.recorded(from: self) { dy, inputs in
      inputs.accumulate(0, shape: y.shape) {
        ck_softmax_rows_gradient(rows, width, y.pointer, dy.pointer, $0, $1)
      }
    }
  }

  /// Log softmax over the last axis: [rows, columns] -> [rows, columns]. The largest element of each row is subtracted
  /// first, which preserves precision for rows far from zero.
  public func logSoftmax() -> Tensor {
    let shifted = self - rowMaxima()
    return shifted - shifted.logSumExp().reshaped([rows, 1])
  }

  /// The largest element of every row, [rows, 1]. Not recorded.
  private func rowMaxima() -> Tensor {
    let width = columns
    return Tensor(shape: [rows, 1]) { out in
      withUnsafeBuffer { x in
        for row in 0..<x.count / width { out[row] = x[row * width..<(row + 1) * width].max() ?? 0 }
      }
    }
  }

  /// 1 at the largest element of every row (the first of equal ones), 0 elsewhere. Not recorded, because its gradient
  /// is zero almost everywhere.
  public func oneHotOfLargest() -> Tensor {
    let width = columns
    return Tensor(shape: shape) { out in
      withUnsafeBuffer { x in
        for row in stride(from: 0, to: x.count, by: width) {
          var largest = row
          for i in row..<row + width {
            out[i] = 0
            if x[i] > x[largest] { largest = i }
          }
          out[largest] = 1
        }
      }
    }
  }

  /// The sum of squares of all elements in double precision, as a number that is not recorded. It is not finite if any
  /// element is not.
  public func sumOfSquares() -> Double {
    storage.deferred?.sumOfSquares() ?? ck_sum_squares(pointer, Int64(count))
  }
}

/// out[r, :] (+)= values[r]
private func spread(
  _ rows: Int64, _ columns: Int64, _ values: Tensor, into out: UnsafeMutablePointer<Float>, _ accumulates: Int32
) {
  let zero = Tensor(0)
  ck_binary(CK_ADD, rows, columns, values.pointer, 1, 0, zero.pointer, 0, 0, out, accumulates)
}
