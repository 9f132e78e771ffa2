import Tensors

/// Test data, determined by the seed.
extension Tensor {
  public static func normals(_ shape: [Int], seed: Int = 1) -> Tensor {
    RandomStream(seed: seed).child("test data").normals(shape)
  }

  public static func uniforms(_ shape: [Int], in range: ClosedRange<Float> = 0...1, seed: Int = 1) -> Tensor {
    RandomStream(seed: seed).child("test data").uniforms(shape)
      .scaled(by: range.upperBound - range.lowerBound, plus: range.lowerBound)
  }

  /// Normal values moved away from zero, for functions with a kink at zero.
  public static func normals(_ shape: [Int], awayFromZeroBy margin: Float, seed: Int = 1) -> Tensor {
    let values = normals(shape, seed: seed)
    return values + (values.isAbove(0) - 0.5) * (2 * margin)
  }

  /// 0, 1, 2, ... in row-major order.
  public static func counting(_ shape: [Int]) -> Tensor {
    Tensor(shape: shape, (0..<shape.reduce(1, *)).map(Float.init))
  }
}
