import Tensors

/// A layer that doubles the side of maps: [batch, height, width, inputs] -> [batch, 2 height, 2 width, outputs]. It is
/// a transposed convolution with a 4 x 4 kernel, stride 2, padding 1, and one bias per output.
public struct Doubling {
  public let weight: Parameter
  public let bias: Parameter

  /// Weight and bias are initialized uniformly with bound 1 / sqrt(4 inputs), because every output value is a sum of 4
  /// inputs products.
  public init(inputs: Int, outputs: Int, in scope: Scope) {
    weight = scope.parameter("weight", [inputs, 4, 4, outputs], .fanIn(4 * inputs))
    bias = scope.parameter("bias", [outputs], .fanIn(4 * inputs))
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.transposedConvolved(with: weight.tensor, stride: 2, padding: 1) + bias.tensor
  }
}

/// Decodes images from codes: dense layers produce small maps, whose side is doubled until it is the image's side, with
/// ReLU between layers.
public struct UpsamplingDecoder {
  private let dense: MLP
  private let doublings: [Doubling]
  /// One layer per channel of the image, so that the channels come first in the result.
  private let last: [Doubling]
  private let side: Int
  private let maps: [Int]

  /// `maps` gives the channels of the maps from the smallest on, with one doubling each. The image's side must be
  /// divisible by 2^maps.count.
  public init(inputs: Int, hidden: [Int], maps: [Int], channels: Int, side: Int, in scope: Scope) {
    self.side = side >> maps.count
    self.maps = maps
    dense = MLP(inputs: inputs, hidden: hidden, outputs: maps[0] * self.side * self.side, in: scope.child("dense"))
    doublings = zip(maps, maps.dropFirst()).enumerated().map { index, sizes in
      Doubling(inputs: sizes.0, outputs: sizes.1, in: scope.child("doublings").child("\(index)"))
    }
    last = (0..<channels).map {
      Doubling(inputs: maps[maps.count - 1], outputs: 1, in: scope.child("output").child("\($0)"))
    }
  }

  /// [batch, inputs] -> [batch, channels * side * side], without a final activation.
  public func callAsFunction(_ codes: Tensor) -> Tensor {
    let batch = codes.shape[0]
    let start = dense(codes).reshaped([batch, side, side, maps[0]]).relu()
    let grown = doublings.reduce(start) { $1($0).relu() }
    return .concatenating(last.map { $0(grown).flattened() })
  }
}
