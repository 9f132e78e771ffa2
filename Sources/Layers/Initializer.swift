import Tensors

/// The initial value of a parameter.
public enum Initializer: Sendable {
  case constant(Float)
  /// Uniform in [-bound, bound].
  case uniform(Float)
  case normal(deviation: Float)
  /// Uniform with bound 1 / sqrt(inputs), for a weight [inputs, outputs] or its bias.
  case fanIn(Int)
  /// Uniform with bound sqrt(6 / (inputs + outputs)).  Glorot and Bengio 2010.
  case glorot
  /// Normal with deviation sqrt(2 / inputs), for relu.  He et al. 2015.
  case he

  public static let zeros = Initializer.constant(0)

  func value(_ shape: [Int], _ random: RandomStream) -> Tensor {
    switch self {
    case .constant(let value): return Tensor(repeating: value, shape: shape)
    case .uniform(let bound): return random.uniforms(shape).scaled(by: 2 * bound, plus: -bound)
    case .normal(let deviation): return random.normals(shape).scaled(by: deviation)
    case .fanIn(let inputs):
      return Initializer.uniform(1 / Float(max(1, inputs)).squareRoot()).value(shape, random)
    case .glorot:
      return Initializer.uniform((6 / Float(shape[0] + shape[1])).squareRoot()).value(shape, random)
    case .he: return Initializer.normal(deviation: (2 / Float(shape[0])).squareRoot()).value(shape, random)
    }
  }
}
