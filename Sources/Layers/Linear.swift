import Tensors

/// y = activation(x W + b): [batch, inputs] -> [batch, outputs].
public struct Linear {
  public let weight: Parameter
  public let bias: Parameter
  private let activation: Activation

  /// Weight and bias are initialized uniformly with bound 1 / sqrt(inputs) by default.
  public init(
    inputs: Int, outputs: Int, activation: Activation = .none, weight: Initializer? = nil, bias: Initializer? = nil,
    in scope: Scope
  ) {
    self.weight = scope.parameter("weight", [inputs, outputs], weight ?? .fanIn(inputs))
    self.bias = scope.parameter("bias", [outputs], bias ?? .fanIn(inputs))
    self.activation = activation
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { x.dense(weight.tensor, bias.tensor, activation) }
}

/// Dense layers with one activation between them and a linear output: [batch, inputs] -> [batch, outputs].
public struct MLP {
  private let layers: [Linear]
  private let output: Linear

  public init(
    inputs: Int, hidden: [Int], outputs: Int, activation: Activation = .relu, outputActivation: Activation = .none,
    outputBias: Initializer? = nil, in scope: Scope
  ) {
    let sizes = [inputs] + hidden
    layers = hidden.indices.map {
      Linear(
        inputs: sizes[$0], outputs: sizes[$0 + 1], activation: activation, in: scope.child("layers").child("\($0)"))
    }
    output = Linear(
      inputs: sizes[hidden.count], outputs: outputs, activation: outputActivation, bias: outputBias,
      in: scope.child("output"))
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { output(layers.reduce(x) { $1($0) }) }
}
