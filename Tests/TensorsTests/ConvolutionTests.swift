import TestKit
import Testing

@testable import Tensors

struct ConvolutionTests {
  private static let kernels = ConvolutionKernels.available

  /// The convolution by definition, element by element, in double precision.
  private func reference(_ x: Tensor, _ kernel: Tensor, _ bias: Tensor, stride: Int, padding: Int) -> Tensor {
    let (height, width, inputs) = (x.shape[1], x.shape[2], x.shape[3])
    let (side, outputs) = (kernel.shape[0], kernel.shape[3])
    let rows = (height + 2 * padding - side) / stride + 1
    let columns = (width + 2 * padding - side) / stride + 1
    let (maps, weights, biases) = (x.array(), kernel.array(), bias.array())
    let shape = [x.shape[0], rows, columns, outputs]
    let values = (0..<shape.reduce(1, *)).map { place -> Float in
      let (n, i, j) = (place / outputs / columns / rows, place / outputs / columns % rows, place / outputs % columns)
      let output = place % outputs
      var sum = Double(biases[output])
      for u in 0..<side {
        for v in 0..<side {
          let (row, column) = (i * stride + u - padding, j * stride + v - padding)
          guard (0..<height).contains(row), (0..<width).contains(column) else { continue }
          for input in 0..<inputs {
            sum +=
              Double(maps[((n * height + row) * width + column) * inputs + input])
              * Double(weights[((u * side + v) * inputs + input) * outputs + output])
          }
        }
      }
      return Float(sum)
    }
    return Tensor(shape: shape, values)
  }

  /// batch, height, width, inputs, side, outputs, stride, padding
  private static let sizes = [
    [1, 1, 1, 1, 1, 1, 1, 0], [2, 5, 7, 3, 3, 4, 1, 1], [3, 8, 8, 32, 3, 64, 1, 1], [2, 6, 9, 5, 3, 2, 2, 1],
    [1, 7, 6, 16, 5, 17, 2, 2], [4, 4, 4, 66, 3, 64, 1, 1], [2, 8, 8, 64, 1, 24, 1, 0], [2, 9, 4, 3, 4, 6, 3, 1],
  ]

  @Test(arguments: kernels, sizes)
  func everyOutputIsTheSumOverItsWindow(choice: ConvolutionKernels.Choice, size: [Int]) {
    let x = Tensor.normals([size[0], size[1], size[2], size[3]])
    let kernel = Tensor.normals([size[4], size[4], size[3], size[5]], seed: 2)
    let bias = Tensor.normals([size[5]], seed: 3)
    let options = ConvolutionOptions(stride: size[6], padding: size[7], kernels: choice)
    let expected = reference(x, kernel, bias, stride: size[6], padding: size[7])
    expectClose(x.convolved(with: kernel, bias: bias, options), expected, absolute: 1e-4, relative: 1e-4)
    expectClose(
      x.convolved(with: kernel, options), expected - bias, absolute: 1e-4, relative: 1e-4, "without a bias")
  }

  @Test(arguments: kernels)
  func gradientsMatchFiniteDifferences(choice: ConvolutionKernels.Choice) {
    for (stride, padding) in [(1, 1), (2, 0)] {
      let options = ConvolutionOptions(stride: stride, padding: padding, activation: .elu, kernels: choice)
      expectGradients(
        of: { $0[0].convolved(with: $0[1], bias: $0[2], options) },
        at: [.normals([2, 4, 3, 2]), .normals([3, 3, 2, 3]), .normals([3])], absolute: 4e-3, relative: 4e-3,
        "stride \(stride)")
    }
  }

  @Test(arguments: kernels)
  func aLayerIsEnlargingConvolvingActivatingAndPooling(choice: ConvolutionKernels.Choice) {
    let inputs: [Tensor] = [.normals([3, 4, 6, 5]), .normals([3, 3, 5, 7], seed: 2), .normals([7], seed: 3)]
    for (upsampling, pooling, activation) in [(2, 1, Activation.elu), (1, 2, .elu), (2, 4, .tanh), (3, 3, .relu)] {
      let layer = ConvolutionOptions(
        padding: 1, activation: activation, upsampling: upsampling, pooling: pooling, kernels: choice)
      let plain = ConvolutionOptions(padding: 1, kernels: choice)
      func fused(_ p: [Tensor]) -> Tensor { p[0].convolved(with: p[1], bias: p[2], layer) }
      func composed(_ p: [Tensor]) -> Tensor {
        activated(p[0].upsampled(by: upsampling).convolved(with: p[1], bias: p[2], plain), activation)
          .maxPooled(by: pooling)
      }
      expectSame(fused, composed, at: inputs, "enlarged by \(upsampling), pooled by \(pooling)")
    }
  }

  /// Large enough that a map's products are formed a few rows at a time: three, and one.
  @Test func anEnlargedMapInStripsIsTheSameLayer() {
    for (size, outputs, side, upsampling) in [
      ([2, 11, 40, 3], 60, 3, 2), ([1, 5, 130, 2], 30, 5, 3), ([1, 1, 300, 2], 40, 3, 2),
    ] {
      let inputs: [Tensor] = [
        .normals(size), .normals([side, side, size[3], outputs], seed: 2), .normals([outputs], seed: 3),
      ]
      let layer = ConvolutionOptions(padding: side / 2, activation: .elu, upsampling: upsampling)
      let plain = ConvolutionOptions(padding: side / 2)
      func fused(_ p: [Tensor]) -> Tensor { p[0].convolved(with: p[1], bias: p[2], layer) }
      func composed(_ p: [Tensor]) -> Tensor {
        p[0].upsampled(by: upsampling).convolved(with: p[1], bias: p[2], plain).elu()
      }
      expectSame(fused, composed, at: inputs, "\(size)")
    }
  }

  private func activated(_ x: Tensor, _ activation: Activation) -> Tensor {
    switch activation {
    case .elu: x.elu()
    case .tanh: x.tanh()
    default: x.relu()
    }
  }

  /// Expects the values and gradients of two functions to agree.
  private func expectSame(
    _ one: ([Tensor]) -> Tensor, _ other: ([Tensor]) -> Tensor, at inputs: [Tensor], _ comment: String
  ) {
    let parameters = inputs.enumerated().map { Parameter("\($0)", $1) }
    let (a, b) = (one(parameters.map(\.tensor)), other(parameters.map(\.tensor)))
    expectClose(a, b, absolute: 1e-5, relative: 1e-5, "\(comment)")
    let cotangent = Tensor.normals(a.shape, seed: 9)
    let found = pulledBack(cotangent, from: a, to: parameters)
    for (index, expected) in pulledBack(cotangent, from: b, to: parameters).enumerated() {
      expectClose(found[index], expected, absolute: 2e-4, relative: 1e-4, "\(comment), gradient \(index)")
    }
  }

  /// Many small maps, several of which are processed at a time, on several threads.
  @Test(arguments: kernels)
  func mapsOfABatchDoNotMix(choice: ConvolutionKernels.Choice) {
    let (x, kernel) = (Tensor.normals([30, 6, 6, 16]), Tensor.normals([3, 3, 16, 16], seed: 2))
    let options = ConvolutionOptions(padding: 1, kernels: choice)
    let all = x.convolved(with: kernel, options).array()
    let size = 6 * 6 * 16
    for n in [0, 13, 29] {
      let one = Tensor(shape: [1, 6, 6, 16], Array(x.array()[n * size..<(n + 1) * size]))
      expectClose(
        one.convolved(with: kernel, options), Tensor(shape: [1, 6, 6, 16], Array(all[n * size..<(n + 1) * size])),
        absolute: 1e-5)
    }
  }

  @Test func planesAreTheConvolutionWithChannelsFirst() {
    let (batch, height, width) = (3, 6, 5)
    let inputs: [Tensor] = [
      .normals([batch, height, width, 4]), .normals([3, 3, 4, 3], seed: 2), .normals([3], seed: 3),
    ]
    let planes = inputs[0].convolvedToPlanes(with: inputs[1], bias: inputs[2])
    #expect(planes.shape == [batch, 3, height, width])
    let expected = reference(inputs[0], inputs[1], inputs[2], stride: 1, padding: 1)
    expectClose(planes.channelsLast(), expected, absolute: 1e-5, relative: 1e-5)
    expectSame(
      { $0[0].convolvedToPlanes(with: $0[1], bias: $0[2]).channelsLast() },
      { $0[0].convolved(with: $0[1], bias: $0[2], .init(padding: 1)) }, at: inputs, "planes")
  }

  @Test func gradientsOfPlanesMatchFiniteDifferences() {
    expectGradients(
      of: { $0[0].convolvedToPlanes(with: $0[1], bias: $0[2]) },
      at: [.normals([2, 4, 3, 2]), .normals([3, 3, 2, 3]), .normals([3])], absolute: 4e-3)
    expectGradient(of: { $0.channelsLast() }, at: .normals([2, 3, 2, 4]))
  }

  @Test func theProgramSaysWhoConvolves() {
    #expect(ConvolutionKernels.available.contains(ConvolutionKernels.current))
    #expect(ConvolutionKernels.description.hasPrefix(ConvolutionKernels.current.rawValue))
  }
}
