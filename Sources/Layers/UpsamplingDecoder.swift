import Tensors

/// Maps of twice the side: [batch, height, width, inputs] -> [batch, 2 height, 2 width, outputs], by a transposed convolution
/// with a kernel of 4 x 4, stride 2, padding 1, and a bias for every output.
public struct Doubling {
  public let weight: Parameter
  public let bias: Parameter

  /// Weight and bias start uniform with bound 1 / sqrt(4 inputs): every value of the output is a sum of as many products.
  public init(inputs: Int, outputs: Int, in scope: Scope) {
    weight = scope.parameter("weight", [inputs, 4, 4, outputs], .fanIn(4 * inputs))
    bias = scope.parameter("bias", [outputs], .fanIn(4 * inputs))
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.transposedConvolved(with: weight.tensor, stride: 2, padding: 1) + bias.tensor
  }
}

/// Images from codes: dense layers to small maps, whose sides are doubled until they are the image's, with relu between.
public struct UpsamplingDecoder {
  private let dense: MLP
  private let doublings: [Doubling]
  /// One for every channel of the image, so that channels come first.
  private let last: [Doubling]
  private let side: Int
  private let maps: [Int]

  /// `maps`: channels of the maps from the smallest on, one doubling each; the image's side must be divisible by
  /// 2^maps.count.
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

  /// [batch, inputs] -> [batch, channels * side * side], before any squashing.
  public func callAsFunction(_ codes: Tensor) -> Tensor {
    let batch = codes.shape[0]
    let start = dense(codes).reshaped([batch, side, side, maps[0]]).relu()
    let grown = doublings.reduce(start) { $1($0).relu() }
    return .concatenating(last.map { $0(grown).flattened() })
  }
}
