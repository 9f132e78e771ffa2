import CKernels
import COpenBLAS
import Glibc

/// The activation function after the product of a dense layer.
public enum Activation: String, CaseIterable, Sendable {
  case none, relu, sigmoid, tanh, softplus, elu

  var kernel: Int32 {
    switch self {
    case .none: -1
    case .relu: Int32(CK_RELU.rawValue)
    case .sigmoid: Int32(CK_SIGMOID.rawValue)
    case .tanh: Int32(CK_TANH.rawValue)
    case .softplus: Int32(CK_SOFTPLUS.rawValue)
    case .elu: Int32(CK_ELU.rawValue)
    }
  }
}

/// Computes c (+)= op(a) op(b), row-major, with c [m, n] and inner size k. Dense products go through this function,
/// unless the work around them is already divided (`multiplyAlone`).
///
/// Large products are divided into blocks of columns of c (of rows if there are more of those), one per thread. The
/// library sums in another order at the edge of a block, so the last digits of a result depend on the number of
/// threads, and on nothing else.
package func multiply(
  _ a: UnsafePointer<Float>, transposed ta: Bool = false, _ b: UnsafePointer<Float>,
  otherTransposed tb: Bool = false,
  into c: UnsafeMutablePointer<Float>, m: Int, n: Int, k: Int, accumulates: Int32 = 0
) {
  /// Computes a block of rows and columns of c.
  func block(_ rows: Range<Int>, _ columns: Range<Int>) {
    multiplyBlock(
      rows, columns, a, transposed: ta, b, otherTransposed: tb, into: c, m: m, n: n, k: k, accumulates: accumulates)
  }
  _ = oneLibraryThread
  let product = Profile.Product(
    m: m, n: n, k: k, isFirstTransposed: ta, isSecondTransposed: tb, accumulates: accumulates != 0)
  Profile.measure(product) {
    guard m * n * k >= smallestDividedProduct else { return block(0..<m, 0..<n) }
    if n >= m {
      Threads.divide(n, grain: 64, smallest: 64) { block(0..<m, $0) }
    } else {
      Threads.divide(m, grain: 64, smallest: 64) { block($0, 0..<n) }
    }
  }
}

/// The same product on the calling thread, for work that is divided at a higher level and not counted as a dense
/// product.
func multiplyAlone(
  _ a: UnsafePointer<Float>, transposed ta: Bool = false, _ b: UnsafePointer<Float>,
  otherTransposed tb: Bool = false, into c: UnsafeMutablePointer<Float>, m: Int, n: Int, k: Int, accumulates: Int32 = 0
) {
  _ = oneLibraryThread
  multiplyBlock(
    0..<m, 0..<n, a, transposed: ta, b, otherTransposed: tb, into: c, m: m, n: n, k: k, accumulates: accumulates)
}

/// Computes some rows and columns of c.
private func multiplyBlock(
  _ rows: Range<Int>, _ columns: Range<Int>, _ a: UnsafePointer<Float>, transposed ta: Bool,
  _ b: UnsafePointer<Float>, otherTransposed tb: Bool, into c: UnsafeMutablePointer<Float>, m: Int, n: Int, k: Int,
  accumulates: Int32
) {
  cblas_sgemm(
    CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, Int32(rows.count),
    Int32(columns.count), Int32(k), 1, a + rows.lowerBound * (ta ? 1 : k), Int32(ta ? m : k),
    b + columns.lowerBound * (tb ? k : 1), Int32(tb ? k : n), Float(accumulates),
    c + rows.lowerBound * n + columns.lowerBound, Int32(n))
}

/// Limits the BLAS library to one thread, because products are divided here, and checks its memory before the first
/// product. Memory that was free when the program started may be taken by now, and without memory the library would
/// retry forever.
private let oneLibraryThread: Void = {
  openblas_set_num_threads(1)
  do {
    try ProductMemory.check(threads: Threads.count)
  } catch {
    let words = "airframe: \(error)\n"
    _ = words.withCString { write(2, $0, strlen($0)) }
    _exit(1)
  }
}()

/// The number of multiplications below which a second thread costs more time than it saves.
private let smallestDividedProduct = 1_000_000

extension Tensor {
  /// Matrix product: [rows, k] x [k, n] -> [rows, n], either operand transposed on request.
  public func matrixProduct(_ other: Tensor, transposed ta: Bool = false, otherTransposed tb: Bool = false) -> Tensor {
    precondition(shape.count == 2 && other.shape.count == 2, "matrices wanted, not \(shape) and \(other.shape)")
    let (m, k) = ta ? (shape[1], shape[0]) : (shape[0], shape[1])
    let (inner, n) = tb ? (other.shape[1], other.shape[0]) : (other.shape[0], other.shape[1])
    precondition(k == inner, "inner sizes of \(shape) and \(other.shape) differ")
    let (a, b) = (detached(), other.detached())
    let out = Tensor(uninitialized: [m, n])
    multiply(a.pointer, transposed: ta, b.pointer, otherTransposed: tb, into: out.pointer, m: m, n: n, k: k)
    return out.recorded(from: self, other) { dy, inputs in
      inputs.accumulate(0, shape: a.shape) {
        if ta {
          multiply(
            b.pointer, transposed: tb, dy.pointer, otherTransposed: true, into: $0, m: k, n: m, k: n, accumulates: $1)
        } else {
          multiply(dy.pointer, b.pointer, otherTransposed: !tb, into: $0, m: m, n: k, k: n, accumulates: $1)
        }
      }
      inputs.accumulate(1, shape: b.shape) {
        if tb {
          multiply(
            dy.pointer, transposed: true, a.pointer, otherTransposed: ta, into: $0, m: n, n: k, k: m, accumulates: $1)
        } else {
          multiply(a.pointer, transposed: !ta, dy.pointer, into: $0, m: k, n: n, k: m, accumulates: $1)
        }
      }
    }
  }

  /// A dense layer: activation(self weight + bias). self [rows, inputs], weight [inputs, outputs], bias [outputs] or
  /// none.
  public func dense(_ weight: Tensor, _ bias: Tensor?, _ activation: Activation = .none) -> Tensor {
    let (m, k, n) = (rows, weight.shape[0], weight.shape[1])
    precondition(columns == k, "input \(shape) does not fit the weight \(weight.shape)")
    let (x, w) = (detached(), weight.detached())
    let y = Tensor(uninitialized: [m, n])
    multiply(x.pointer, w.pointer, into: y.pointer, m: m, n: n, k: k)
    if bias != nil || activation != .none {
      ck_bias_activation(Int64(m), Int64(n), y.pointer, bias?.pointer, activation.kernel)
    }
    let hasBias = bias != nil
    return y.recorded(from: [self, weight] + (bias.map { [$0] } ?? [])) { dy, inputs in
      let slope = activation == .none ? dy : y.activationGradient(activation, dy)
      inputs.accumulate(0, shape: x.shape) {
        multiply(slope.pointer, w.pointer, otherTransposed: true, into: $0, m: m, n: k, k: n, accumulates: $1)
      }
      inputs.accumulate(1, shape: w.shape) {
        multiply(x.pointer, transposed: true, slope.pointer, into: $0, m: k, n: n, k: m, accumulates: $1)
      }
      if hasBias {
        inputs.accumulate(2, shape: [n]) { ck_column_sums(Int64(m), Int64(n), slope.pointer, $0, $1) }
      }
    }
  }

  /// The gradient of the input of an activation whose output is self.
  private func activationGradient(_ activation: Activation, _ dy: Tensor) -> Tensor {
    let dx = Tensor(uninitialized: shape)
    ck_activation_gradient(activation.kernel, pointer, dy.pointer, dx.pointer, Int64(count))
    return dx
  }

  /// self + x weight, the recurrent part of a cell. self [rows, n], x [rows, k], weight [k, n].
  public func adding(productOf x: Tensor, _ weight: Tensor) -> Tensor {
    let (m, k, n) = (x.rows, weight.shape[0], weight.shape[1])
    precondition(x.columns == k && shape == [m, n], "\(shape) + \(x.shape) x \(weight.shape)")
    let (input, w) = (x.detached(), weight.detached())
    let y = Tensor(uninitialized: shape)
    y.pointer.update(from: pointer, count: count)
    multiply(input.pointer, w.pointer, into: y.pointer, m: m, n: n, k: k, accumulates: 1)
    return y.recorded(from: self, x, weight) { dy, inputs in
      inputs.accumulate(1, shape: input.shape) {
        multiply(dy.pointer, w.pointer, otherTransposed: true, into: $0, m: m, n: k, k: n, accumulates: $1)
      }
      inputs.accumulate(2, shape: w.shape) {
        multiply(input.pointer, transposed: true, dy.pointer, into: $0, m: k, n: n, k: m, accumulates: $1)
      }
      inputs.add(dy, to: 0)
    }
  }
}
