import Tensors

/// A convolution layer over maps with their channels last: [batch, height, width, inputs] -> [batch, rows, columns,
/// outputs].
public struct Convolution {
  public let weight: Parameter
  public let bias: Parameter
  private let options: ConvolutionOptions

  /// `side` is the size of the kernel; padding is side / 2, which keeps the maps' size if it is odd. Maps are first
  /// enlarged by `upsampling` and at the end pooled by `pooling`. Weight and bias are initialized uniformly with bound
  /// 1 / sqrt(side^2 inputs) by default.
  public init(
    inputs: Int, outputs: Int, side: Int, activation: Activation = .none, upsampling: Int = 1, pooling: Int = 1,
    bias: Initializer? = nil, in scope: Scope
  ) {
    let window = side * side * inputs
    weight = scope.parameter("weight", [side, side, inputs, outputs], .fanIn(window))
    self.bias = scope.parameter("bias", [outputs], bias ?? .fanIn(window))
    options = ConvolutionOptions(
      padding: side / 2, activation: activation, upsampling: upsampling, pooling: pooling)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { x.convolved(with: weight.tensor, bias: bias.tensor, options) }
}

/// The last layer of an image decoder: maps [batch, height, width, inputs] -> images [batch, channels, height, width].
public struct PlaneConvolution {
  public let weight: Parameter
  public let bias: Parameter

  /// `side` must be odd. Weight and bias are initialized uniformly with bound 1 / sqrt(side^2 inputs) by default.
  public init(inputs: Int, channels: Int, side: Int, bias: Initializer? = nil, in scope: Scope) {
    let window = side * side * inputs
    weight = scope.parameter("weight", [side, side, inputs, channels], .fanIn(window))
    self.bias = scope.parameter("bias", [channels], bias ?? .fanIn(window))
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { x.convolvedToPlanes(with: weight.tensor, bias: bias.tensor) }
}
