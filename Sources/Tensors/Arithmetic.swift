import CKernels

extension Tensor {
  public static func + (a: Tensor, b: Tensor) -> Tensor {
    let (shapeA, shapeB) = (a.shape, b.shape)
    return combine(CK_ADD, a, b) { dy, inputs, spans in
      inputs.addReduced(dy, to: 0, as: shapeA, spans.a, spans)
      inputs.addReduced(dy, to: 1, as: shapeB, spans.b, spans)
    }
  }

  public static func - (a: Tensor, b: Tensor) -> Tensor {
    let (shapeA, shapeB) = (a.shape, b.shape)
    return combine(CK_SUBTRACT, a, b) { dy, inputs, spans in
      inputs.addReduced(dy, to: 0, as: shapeA, spans.a, spans)
      inputs.addReduced(dy.scaled(by: -1), to: 1, as: shapeB, spans.b, spans)
    }
  }

  public static func * (a: Tensor, b: Tensor) -> Tensor {
    let (x, y) = (a.detached(), b.detached())
    return combine(CK_MULTIPLY, a, b) { dy, inputs, spans in
      inputs.addProduct(dy, y, spans.b, to: 0, as: x.shape, spans.a, spans)
      inputs.addProduct(dy, x, spans.a, to: 1, as: y.shape, spans.b, spans)
    }
  }

  public static func / (a: Tensor, b: Tensor) -> Tensor { a * b.reciprocal() }

  public static func + (a: Tensor, b: Float) -> Tensor { a.scaled(by: 1, plus: b) }
  public static func - (a: Tensor, b: Float) -> Tensor { a.scaled(by: 1, plus: -b) }
  public static func * (a: Tensor, b: Float) -> Tensor { a.scaled(by: b) }
  public static func / (a: Tensor, b: Float) -> Tensor { a.scaled(by: 1 / b) }
  public static func + (a: Float, b: Tensor) -> Tensor { b.scaled(by: 1, plus: a) }
  public static func - (a: Float, b: Tensor) -> Tensor { b.scaled(by: -1, plus: a) }
  public static func * (a: Float, b: Tensor) -> Tensor { b.scaled(by: a) }
  public static prefix func - (a: Tensor) -> Tensor { a.scaled(by: -1) }

  /// self + gate * x with one gate per row, which draws images onto a canvas. self and x [batch, ...], gate [batch].
  public func adding(_ x: Tensor, gatedBy gate: Tensor) -> Tensor {
    precondition(shape == x.shape && gate.count == shape[0], "canvas \(shape), image \(x.shape), gate \(gate.shape)")
    let (rows, columns) = (shape[0], count / shape[0])
    let (image, weight) = (x.detached(), gate.detached())
    let out = Tensor(uninitialized: shape)
    ck_add_scaled_rows(Int64(rows), Int64(columns), pointer, gate.pointer, x.pointer, out.pointer)
    return out.recorded(from: self, x, gate) { dy, inputs in
      inputs.add(dy, to: 0)
      inputs.accumulate(1, shape: image.shape) {
        ck_binary(CK_MULTIPLY, Int64(rows), Int64(columns), dy.pointer, Int64(columns), 1, weight.pointer, 1, 0, $0, $1)
      }
      inputs.accumulate(2, shape: weight.shape) {
        ck_row_dots(Int64(rows), Int64(columns), dy.pointer, image.pointer, $0, $1)
      }
    }
  }

  private typealias CombinePullback = (Tensor, Cotangents, Broadcast) -> Void

  private static func combine(_ op: ck_binary_op, _ a: Tensor, _ b: Tensor, _ pullback: @escaping CombinePullback)
    -> Tensor
  {
    let spans = Broadcast(a.shape, b.shape)
    let out = Tensor(uninitialized: spans.shape)
    ck_binary(
      op, spans.rows, spans.columns, a.pointer, spans.a.row, spans.a.column, b.pointer, spans.b.row, spans.b.column,
      out.pointer, 0)
    return out.recorded(from: a, b) { dy, inputs in pullback(dy, inputs, spans) }
  }
}

/// How two shapes are broadcast to a common one.
///
/// The common shape is viewed as a matrix in which each operand is full, one row, one column or a scalar.
package struct Broadcast {
  package struct Span {
    let row: Int64, column: Int64
    let isFull: Bool
  }
  let shape: [Int], rows: Int64, columns: Int64, a: Span, b: Span

  /// Requires that sizes, compared from the last axis backwards, are equal or that one of them is 1. All broadcast axes
  /// of an operand must be on one side (leading or trailing).
  init(_ first: [Int], _ second: [Int]) {
    let rank = max(first.count, second.count)
    let a = Array(repeating: 1, count: rank - first.count) + first
    let b = Array(repeating: 1, count: rank - second.count) + second
    let full = zip(a, b).map { pair in
      precondition(
        pair.0 == pair.1 || pair.0 == 1 || pair.1 == 1, "shapes \(first) and \(second) cannot be combined")
      return max(pair.0, pair.1)
    }
    // Looks for an axis that cuts the shape into rows and columns so that each operand is full or broadcast in each.
    for cut in 0...rank {
      guard let spanA = Broadcast.span(a, full, cut: cut), let spanB = Broadcast.span(b, full, cut: cut) else {
        continue
      }
      shape = full
      rows = Int64(full[..<cut].reduce(1, *))
      columns = Int64(full[cut...].reduce(1, *))
      (self.a, self.b) = (spanA, spanB)
      return
    }
    preconditionFailure("shapes \(first) and \(second) need a general broadcast, which is not offered")
  }

  private static func span(_ operand: [Int], _ shape: [Int], cut: Int) -> Span? {
    let columns = Int64(shape[cut...].reduce(1, *))
    let head = Array(operand[..<cut])
    let tail = Array(operand[cut...])
    let fullHead = head == Array(shape[..<cut])
    let fullTail = tail == Array(shape[cut...])
    let blankHead = head.allSatisfy { $0 == 1 }
    let blankTail = tail.allSatisfy { $0 == 1 }
    if fullHead && fullTail { return Span(row: columns, column: 1, isFull: true) }
    if fullHead && blankTail { return Span(row: 1, column: 0, isFull: false) }
    if blankHead && fullTail { return Span(row: 0, column: 1, isFull: false) }
    if blankHead && blankTail { return Span(row: 0, column: 0, isFull: false) }
    return nil
  }
}

extension Cotangents {
  /// Adds `gradient` (of the full shape), summed over the axes along which the operand was broadcast.
  fileprivate func addReduced(
    _ gradient: @autoclosure () -> Tensor, to index: Int, as shape: [Int], _ span: Broadcast.Span, _ full: Broadcast
  ) {
    guard wants(index) else { return }
    let gradient = gradient()
    if span.isFull { return add(gradient.reshaped(shape), to: index) }
    accumulate(index, shape: shape) { sum, accumulates in
      if span.column == 1 {
        ck_column_sums(full.rows, full.columns, gradient.pointer, sum, accumulates)
      } else if span.row == 1 {
        ck_row_sums(full.rows, full.columns, gradient.pointer, sum, accumulates)
      } else {
        let total = Float(ck_sum(gradient.pointer, Int64(gradient.count)))
        sum[0] = accumulates == 0 ? total : sum[0] + total
      }
    }
  }

  /// Adds gradient * other, summed over the axes along which the operand was broadcast.
  fileprivate func addProduct(
    _ gradient: Tensor, _ other: Tensor, _ otherSpan: Broadcast.Span, to index: Int, as shape: [Int],
    _ span: Broadcast.Span, _ full: Broadcast
  ) {
    guard wants(index) else { return }
    func multiply(into out: UnsafeMutablePointer<Float>, _ accumulates: Int32) {
      ck_binary(
        CK_MULTIPLY, full.rows, full.columns, gradient.pointer, full.columns, 1, other.pointer, otherSpan.row,
        otherSpan.column, out, accumulates)
    }
    if span.isFull { return accumulate(index, shape: shape, multiply) }
    let product = Tensor(uninitialized: gradient.shape)
    multiply(into: product.pointer, 0)
    addReduced(product, to: index, as: shape, span, full)
  }
}
