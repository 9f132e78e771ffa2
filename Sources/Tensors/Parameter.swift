/// A trained tensor with a stable name, changed in place by an optimizer.
public final class Parameter {
  public let name: String
  public let shape: [Int]
  package let leaf = Node()
  private var storage: Storage

  /// Whether operations on this parameter are recorded. It is false during evaluation.
  package var isRecording = true

  public init(_ name: String, _ value: Tensor) {
    self.name = name
    shape = value.shape
    storage = Storage(count: value.count)
    storage.pointer.update(from: value.pointer, count: value.count)
  }

  public var count: Int { storage.count }

  /// The value, as an input to operations. The parameter must not change while a tape that has read it exists.
  public var tensor: Tensor { Tensor(shape: shape, storage: storage, node: isRecording ? leaf : nil) }

  /// Replaces the value; requires the same shape.
  public func assign(_ value: Tensor) {
    precondition(value.shape == shape, "parameter \(name) has shape \(shape), not \(value.shape)")
    storage.pointer.update(from: value.pointer, count: value.count)
  }

  /// The memory, for optimizers.
  package var pointer: UnsafeMutablePointer<Float> { storage.pointer }
}
