import CKernels

/// A convolution of enlarged maps that multiplies before it enlarges, one map at a time.
///
/// Mixing channels and enlarging commute. So every pixel of the small map is multiplied by the whole kernel, z = map x
/// kernel [pixels, side * side * outputs]. The products are then enlarged, moved to the pixels at which each element of
/// the kernel reads, and summed. This takes 1 / factor^2 of the multiplications that convolving the enlarged map takes.
struct EnlargedConvolution {
  /// Sizes of the small maps and of the kernel, and the factor of enlargement.
  let height, width, inputs, outputs, side, factor: Int

  /// Returns nil for layers that this type does not compute: it requires an upsampling above 1, padding by half an odd
  /// side, stride 1 and no pooling.
  init?(maps: [Int], kernel: [Int], _ options: ConvolutionOptions) {
    guard options.upsampling > 1, options.stride == 1, options.pooling == 1, kernel[0] % 2 == 1,
      options.padding == kernel[0] / 2
    else { return nil }
    (height, width, inputs) = (maps[1], maps[2], maps[3])
    (side, outputs, factor) = (kernel[0], kernel[3], options.upsampling)
  }

  private var pixels: Int { height * width }
  private var elements: Int { side * side * outputs }
  private var inputSize: Int { pixels * inputs }
  private var outputSize: Int { pixels * factor * factor * outputs }
  private var sizes: [Int64] { [height, width, outputs, side, factor].map(Int64.init) }
  private func operations(_ batch: Int) -> Int { 2 * batch * pixels * inputs * elements }

  /// [side, side, inputs, outputs] -> [inputs, side, side, outputs].
  private func packed(_ kernel: Tensor) -> Tensor {
    moved(kernel, from: [side * side, inputs], to: [inputs, side, side, outputs])
  }

  private func unpacked(_ packed: Tensor) -> Tensor {
    moved(packed, from: [inputs, side * side], to: [side, side, inputs, outputs])
  }

  /// Exchanges the first two axes and keeps rows of outputs together.
  private func moved(_ x: Tensor, from sizes: [Int], to shape: [Int]) -> Tensor {
    let y = Tensor(uninitialized: shape)
    for row in 0..<sizes[0] {
      for column in 0..<sizes[1] {
        (y.pointer + (column * sizes[0] + row) * outputs)
          .update(from: x.pointer + (row * sizes[1] + column) * outputs, count: outputs)
      }
    }
    return y
  }

  /// maps [batch, height, width, inputs] -> [batch, factor height, factor width, outputs], activated.
  func forward(_ x: Tensor, _ kernel: Tensor, _ bias: Tensor, _ activation: Activation) -> Tensor {
    let batch = x.shape[0]
    let y = Tensor(uninitialized: [batch, factor * height, factor * width, outputs])
    Profile.measureConvolutions(operations(batch)) {
      let w = packed(kernel)
      Threads.divide(batch) { part in
        let z = Tensor(uninitialized: [pixels, elements])
        let line = Tensor(uninitialized: [width * side * outputs])
        let s = sizes
        for image in part {
          let result = y.pointer + image * outputSize
          multiplyAlone(x.pointer + image * inputSize, w.pointer, into: z.pointer, m: pixels, n: elements, k: inputs)
          ck_fold_enlarged(s[0], s[1], s[2], s[3], s[4], z.pointer, bias.pointer, line.pointer, result)
          if activation != .none { ck_bias_activation(1, Int64(outputSize), result, nil, activation.kernel) }
        }
      }
    }
    return y
  }

  /// Adds to the gradient of the maps, or overwrites it. Returns the gradients of kernel and bias if requested.
  func backward(
    _ x: Tensor, _ kernel: Tensor, _ y: Tensor, _ dy: Tensor, _ activation: Activation, wantsWeights: Bool,
    into dx: UnsafeMutablePointer<Float>?, accumulates: Int32
  ) -> WeightSum? {
    let batch = x.shape[0]
    let directions = (dx == nil ? 0 : 1) + (wantsWeights ? 1 : 0)
    let sums = Lock<[Int: WeightSum]>([:])
    Profile.measureConvolutions(directions * operations(batch)) {
      let w = packed(kernel)
      Threads.divide(batch) { part in
        let z = Tensor(uninitialized: [pixels, elements])
        let line = Tensor(uninitialized: [width * side * outputs])
        let slopes = Tensor(uninitialized: [outputSize])
        let sum = WeightSum(weights: .zeros([inputs, side, side, outputs]), bias: .zeros([outputs]))
        let s = sizes
        for image in part {
          var slope = UnsafePointer(dy.pointer + image * outputSize)
          if activation != .none {
            ck_activation_gradient(
              activation.kernel, y.pointer + image * outputSize, slope, slopes.pointer, Int64(outputSize))
            slope = UnsafePointer(slopes.pointer)
          }
          ck_unfold_enlarged(s[0], s[1], s[2], s[3], s[4], slope, line.pointer, z.pointer)
          let map = x.pointer + image * inputSize
          if wantsWeights {
            multiplyAlone(
              map, transposed: true, z.pointer, into: sum.weights.pointer, m: inputs, n: elements, k: pixels,
              accumulates: 1)
            ck_column_sums(Int64(pixels * factor * factor), s[2], slope, sum.bias.pointer, 1)
          }
          if let dx {
            multiplyAlone(
              z.pointer, w.pointer, otherTransposed: true, into: dx + image * inputSize, m: pixels, n: inputs,
              k: elements, accumulates: accumulates)
          }
        }
        if wantsWeights { sums.withLock { $0[part.lowerBound] = sum } }
      }
    }
    return WeightSum.total(sums.withLock { $0 }).map { WeightSum(weights: unpacked($0.weights), bias: $0.bias) }
  }
}
