import CKernels

/// The settings of a convolution layer: the convolution itself and the steps before and after it.
public struct ConvolutionOptions: Sendable {
  public var stride, padding: Int
  public var activation: Activation
  /// The factor by which the maps are enlarged bilinearly before the convolution.
  public var upsampling: Int
  /// The side of the square of pixels over which the last step, max pooling, takes the maximum.
  public var pooling: Int
  /// The implementation to use; nil means `ConvolutionKernels.current`.
  public var kernels: ConvolutionKernels.Choice?

  public init(
    stride: Int = 1, padding: Int = 0, activation: Activation = .none, upsampling: Int = 1, pooling: Int = 1,
    kernels: ConvolutionKernels.Choice? = nil
  ) {
    (self.stride, self.padding, self.activation) = (stride, padding, activation)
    (self.upsampling, self.pooling, self.kernels) = (upsampling, pooling, kernels)
  }
}

extension Tensor {
  /// A convolution layer with zero padding. As in other libraries, it computes cross-correlations.
  ///
  /// Self [batch, height, width, inputs], kernel [side, side, inputs, outputs], bias [outputs] or none. The maps are
  /// enlarged, convolved, activated and pooled. The result is [batch, rows, columns, outputs] with rows = ((upsampling
  /// height + 2 padding - side) / stride + 1) / pooling, which must be whole. Intermediate maps are computed a few at a
  /// time and not kept.
  public func convolved(with kernel: Tensor, bias: Tensor? = nil, _ options: ConvolutionOptions = .init()) -> Tensor {
    let (x, w) = (detached(), kernel.detached())
    let b = bias?.detached() ?? .zeros([kernel.shape[3]])
    let layer = ConvolutionLayer(maps: shape, kernel: kernel.shape, options)
    precondition(b.shape == [layer.shape.outputs], "a bias \(b.shape) for \(layer.shape.outputs) outputs")
    let enlarged = EnlargedConvolution(maps: shape, kernel: kernel.shape, options)
    let y: Tensor
    let chosen: Bytes?
    if let enlarged {
      (y, chosen) = (enlarged.forward(x, w, b, options.activation), nil)
    } else {
      (y, chosen) = layer.forward(x, w, b)
    }
    return y.recorded(from: [self, kernel] + (bias.map { [$0] } ?? [])) { dy, inputs in
      let wantsWeights = inputs.wants(1) || bias != nil && inputs.wants(2)
      var sum: WeightSum?
      func pullBack(into dx: UnsafeMutablePointer<Float>?, _ accumulates: Int32) {
        sum =
          enlarged.map {
            $0.backward(
              x, w, y, dy, options.activation, wantsWeights: wantsWeights, into: dx, accumulates: accumulates)
          } ?? layer.backward(x, w, y, chosen, dy, wantsWeights: wantsWeights, into: dx, accumulates: accumulates)
      }
      if inputs.wants(0) {
        inputs.accumulate(0, shape: x.shape) { pullBack(into: $0, $1) }
      } else if wantsWeights {
        pullBack(into: nil, 0)
      }
      guard let sum else { return }
      inputs.add(enlarged == nil ? layer.weightGradient(sum) : sum.weights, to: 1)
      if bias != nil { inputs.add(sum.bias, to: 2) }
    }
  }
}

/// A convolution with its enlargement, activation and pooling, for maps of one size.
private struct ConvolutionLayer {
  let shape: ConvolutionShape
  private let options: ConvolutionOptions
  private let batch: Int
  /// The number of maps that are processed at a time.
  private let images: Int
  /// The number of values of one map, in the input and in the result.
  private let mapSize, resultSize: Int

  /// The most floats of input or output maps that are processed at a time: half a megabyte fits in a core's own cache.
  /// At least one map is processed.
  private static let largestChunk = 1 << 17

  init(maps: [Int], kernel: [Int], _ options: ConvolutionOptions) {
    let factor = options.upsampling
    precondition(
      maps.count == 4 && kernel.count == 4 && kernel[0] == kernel[1] && kernel[2] == maps[3] && factor >= 1
        && (1...15).contains(options.pooling) && maps.allSatisfy { $0 > 0 } && kernel.allSatisfy { $0 > 0 },
      "maps \(maps) do not go with a kernel \(kernel) and \(options)")
    shape = ConvolutionShape(
      height: factor * maps[1], width: factor * maps[2], inputs: maps[3], outputs: kernel[3], side: kernel[0],
      stride: options.stride, padding: options.padding)
    precondition(
      shape.isPossible && shape.outputHeight % options.pooling == 0 && shape.outputWidth % options.pooling == 0,
      "maps \(maps) do not go with a kernel \(kernel) and \(options)")
    self.options = options
    batch = maps[0]
    mapSize = maps[1] * maps[2] * maps[3]
    resultSize = shape.outputSize / (options.pooling * options.pooling)
    let most = max(1, Self.largestChunk / max(shape.inputSize, shape.outputSize))
    images = (1...min(most, batch)).last { maps[0] % $0 == 0 } ?? 1
  }

  private var kernel: any ConvolutionKernel {
    ConvolutionKernels.kernel(shape, images: images, options.kernels ?? ConvolutionKernels.current)
  }

  func weightGradient(_ sum: WeightSum) -> Tensor { kernel.weightGradient(sum) }

  private var resultShape: [Int] {
    [batch, shape.outputHeight / options.pooling, shape.outputWidth / options.pooling, shape.outputs]
  }

  /// Returns the result and the index of the pixel that each pool takes its maximum from.
  func forward(_ x: Tensor, _ weights: Tensor, _ bias: Tensor) -> (Tensor, Bytes?) {
    let y = Tensor(uninitialized: resultShape)
    let chosen = options.pooling > 1 ? Bytes(count: y.count) : nil
    let kernel = kernel
    Profile.measureConvolutions(batch * shape.operations) {
      let prepared = kernel.preparedForward(weights)
      Threads.divide(batch / images) { part in
        let memory = Workspace(self)
        for chunk in part {
          let start = chunk * images
          let maps = memory.enlarged(x.pointer + start * mapSize)
          let result = y.pointer + start * resultSize
          kernel.forward(maps, prepared, bias: bias, into: memory.beforePooling?.pointer ?? result)
          if let chosen, let full = memory.beforePooling {
            ck_max_pool(
              Int64(images), Int64(shape.outputHeight), Int64(shape.outputWidth), Int64(shape.outputs),
              Int64(options.pooling), full.pointer, result, chosen.pointer + start * resultSize)
          }
          // All activations are increasing functions, so the maximum can be taken before them.
          if options.activation != .none {
            ck_bias_activation(1, Int64(images * resultSize), result, nil, options.activation.kernel)
          }
        }
      }
    }
    return (y, chosen)
  }

  /// Adds to the gradient of the maps, or overwrites it. Returns the gradients of weights and bias if requested.
  func backward(
    _ x: Tensor, _ weights: Tensor, _ y: Tensor, _ chosen: Bytes?, _ dy: Tensor, wantsWeights: Bool,
    into dx: UnsafeMutablePointer<Float>?, accumulates: Int32
  ) -> WeightSum? {
    let directions = (dx == nil ? 0 : 1) + (wantsWeights ? 1 : 0)
    let kernel = kernel
    let sums = Lock<[Int: WeightSum]>([:])
    Profile.measureConvolutions(directions * batch * shape.operations) {
      let prepared = dx == nil ? nil : kernel.preparedForInputs(weights)
      Threads.divide(batch / images) { part in
        let memory = Workspace(self)
        let sum = wantsWeights ? kernel.weightSum() : nil
        for chunk in part {
          let start = chunk * images
          let slope = memory.slope(
            y.pointer + start * resultSize, dy.pointer + start * resultSize,
            chosen.map { $0.pointer + start * resultSize })
          if let sum {
            kernel.addWeightGradient(memory.enlarged(x.pointer + start * mapSize), slope, to: sum)
          }
          if let dx, let prepared {
            memory.addInputGradient(slope, kernel, prepared, to: dx + start * mapSize, accumulates)
          }
        }
        if let sum { sums.withLock { $0[part.lowerBound] = sum } }
      }
    }
    return WeightSum.total(sums.withLock { $0 })
  }

  /// The memory of one thread for the maps that it processes.
  private final class Workspace {
    let beforePooling: Tensor?
    private let layer: ConvolutionLayer
    private let enlargedMaps: Tensor?
    private lazy var slopes = Tensor(uninitialized: [layer.images * layer.resultSize])
    private lazy var inputSlopes = Tensor(uninitialized: [layer.images * layer.shape.inputSize])

    init(_ layer: ConvolutionLayer) {
      self.layer = layer
      let (images, options) = (layer.images, layer.options)
      beforePooling = options.pooling > 1 ? Tensor(uninitialized: [images * layer.shape.outputSize]) : nil
      enlargedMaps = options.upsampling > 1 ? Tensor(uninitialized: [images * layer.shape.inputSize]) : nil
    }

    /// Sizes of the maps before they are enlarged, and the factor.
    private var sizes: [Int64] {
      let (shape, factor) = (layer.shape, layer.options.upsampling)
      return [layer.images, shape.height / factor, shape.width / factor, shape.inputs, factor].map(Int64.init)
    }

    func enlarged(_ maps: UnsafePointer<Float>) -> UnsafePointer<Float> {
      guard let enlargedMaps else { return maps }
      let s = sizes
      ck_upsample(s[0], s[1], s[2], s[3], s[4], maps, enlargedMaps.pointer)
      return UnsafePointer(enlargedMaps.pointer)
    }

    /// Computes the gradient of the convolution's output from the gradient of the layer's result.
    func slope(_ y: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ chosen: UnsafePointer<UInt8>?)
      -> UnsafePointer<Float>
    {
      let (shape, options) = (layer.shape, layer.options)
      var slope = dy
      if options.activation != .none {
        ck_activation_gradient(
          options.activation.kernel, y, dy, slopes.pointer, Int64(layer.images * layer.resultSize))
        slope = UnsafePointer(slopes.pointer)
      }
      guard let chosen, let beforePooling else { return slope }
      ck_max_pool_gradient(
        Int64(layer.images), Int64(shape.outputHeight), Int64(shape.outputWidth), Int64(shape.outputs),
        Int64(options.pooling), slope, chosen, beforePooling.pointer, 0)
      return UnsafePointer(beforePooling.pointer)
    }

    func addInputGradient(
      _ slope: UnsafePointer<Float>, _ kernel: any ConvolutionKernel, _ prepared: Tensor,
      to dx: UnsafeMutablePointer<Float>, _ accumulates: Int32
    ) {
      if layer.options.upsampling == 1 && accumulates == 0 {
        return kernel.inputGradient(slope, prepared, into: dx)
      }
      kernel.inputGradient(slope, prepared, into: inputSlopes.pointer)
      let s = sizes
      if layer.options.upsampling == 1 {
        ck_affine(1, 0, inputSlopes.pointer, dx, 1, Int64(inputSlopes.count))
      } else {
        ck_upsample_gradient(s[0], s[1], s[2], s[3], s[4], inputSlopes.pointer, dx, accumulates)
      }
    }
  }
}

/// Memory from the pool for 8-bit integers.
final class Bytes {
  private let storage: Storage
  let pointer: UnsafeMutablePointer<UInt8>

  init(count: Int) {
    storage = Storage(count: (count + 3) / 4)
    pointer = UnsafeMutableRawPointer(storage.pointer).bindMemory(to: UInt8.self, capacity: count)
  }
}
