import CKernels

/// A Float32 array of any rank, contiguous and row-major, over pooled memory.
///
/// A tensor is a value: operations return new tensors and never change their inputs. One that was computed from a
/// parameter carries the tape node through which `gradients(of:for:)` walks back. Tensors belong to one thread.
public struct Tensor {
  /// Sizes from the outermost axis to the innermost; empty for a scalar.
  public let shape: [Int]
  package var storage: Storage
  package let node: Node?

  package init(shape: [Int], storage: Storage, node: Node? = nil) {
    self.shape = shape
    self.storage = storage
    self.node = node
  }

  /// Creates a tensor with uninitialized memory, which an operation then fills.
  package init(uninitialized shape: [Int]) {
    self.init(shape: shape, storage: Storage(count: shape.reduce(1, *)))
  }

  /// A tensor of the given values in row-major order. Requires one value for each element of the shape.
  public init(shape: [Int], _ values: [Float]) {
    precondition(
      values.count == shape.reduce(1, *), "shape \(shape) holds \(shape.reduce(1, *)) values, not \(values.count)")
    self.init(uninitialized: shape)
    values.withUnsafeBufferPointer { values in
      guard let first = values.baseAddress else { return }
      storage.pointer.update(from: first, count: values.count)
    }
  }

  /// A tensor whose memory `fill` writes completely.
  public init(shape: [Int], initializingWith fill: (UnsafeMutableBufferPointer<Float>) -> Void) {
    self.init(uninitialized: shape)
    fill(UnsafeMutableBufferPointer(start: storage.pointer, count: storage.count))
  }

  /// A tensor with one value everywhere.
  public init(repeating value: Float, shape: [Int]) {
    self.init(uninitialized: shape)
    ck_fill(value, storage.pointer, Int64(storage.count))
  }

  /// A scalar.
  public init(_ value: Float) { self.init(repeating: value, shape: []) }

  public static func zeros(_ shape: [Int]) -> Tensor { Tensor(repeating: 0, shape: shape) }
  public static func ones(_ shape: [Int]) -> Tensor { Tensor(repeating: 1, shape: shape) }

  /// The number of elements.
  public var count: Int { storage.count }

  package var pointer: UnsafeMutablePointer<Float> { storage.pointer }

  /// All elements in row-major order.
  public func array() -> [Float] { withUnsafeBuffer { Array($0) } }

  /// Reads the elements in place; the buffer is valid during the call only.
  public func withUnsafeBuffer<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result {
    try withExtendedLifetime(storage) {
      try body(UnsafeBufferPointer(start: storage.pointer, count: storage.count))
    }
  }

  /// The value of a tensor of one element.
  public var scalar: Float {
    precondition(count == 1, "a scalar was asked of a tensor of shape \(shape)")
    return withUnsafeBuffer { $0[0] }
  }

  /// The same values without their tape node: no gradient flows through.
  public func detached() -> Tensor { Tensor(shape: shape, storage: storage) }

  /// Whether a gradient flows back through this tensor.
  package var needsGradient: Bool { node != nil }

  /// The product of all sizes but the last, and the last size. Row-wise operations treat a tensor of any rank as such a
  /// matrix.
  package var rows: Int { shape.isEmpty ? 1 : count / max(1, shape[shape.count - 1]) }
  package var columns: Int { shape.last ?? 1 }
}
