import CKernels

/// Convolutions as matrix products: every window of a map is a row of a matrix. Maps are processed one at a time.
struct UnfoldedConvolution: ConvolutionKernel {
  let shape: ConvolutionShape
  let images: Int

  private var places: Int { shape.outputHeight * shape.outputWidth }
  private var window: Int { shape.side * shape.side * shape.inputs }

  func preparedForward(_ weights: Tensor) -> Tensor { weights }
  func preparedForInputs(_ weights: Tensor) -> Tensor { weights }

  func forward(_ x: UnsafePointer<Float>, _ prepared: Tensor, bias: Tensor, into y: UnsafeMutablePointer<Float>) {
    forEachImage { image, windows in
      let own = y + image * shape.outputSize
      unfold(x + image * shape.inputSize, into: windows)
      multiplyAlone(windows.pointer, prepared.pointer, into: own, m: places, n: shape.outputs, k: window)
      ck_bias_activation(Int64(places), Int64(shape.outputs), own, bias.pointer, Activation.none.kernel)
    }
  }

  func inputGradient(_ dy: UnsafePointer<Float>, _ prepared: Tensor, into dx: UnsafeMutablePointer<Float>) {
    forEachImage { image, windows in
      multiplyAlone(
        dy + image * shape.outputSize, prepared.pointer, otherTransposed: true, into: windows.pointer, m: places,
        n: window, k: shape.outputs)
      let s = sizes
      ck_overlap_add(
        1, s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], windows.pointer, dx + image * shape.inputSize)
    }
  }

  func weightSum() -> WeightSum {
    WeightSum(
      weights: .zeros([shape.side, shape.side, shape.inputs, shape.outputs]), bias: .zeros([shape.outputs]))
  }

  func addWeightGradient(_ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, to sum: WeightSum) {
    forEachImage { image, windows in
      let slope = dy + image * shape.outputSize
      unfold(x + image * shape.inputSize, into: windows)
      multiplyAlone(
        windows.pointer, transposed: true, slope, into: sum.weights.pointer, m: window, n: shape.outputs, k: places,
        accumulates: 1)
      ck_column_sums(Int64(places), Int64(shape.outputs), slope, sum.bias.pointer, 1)
    }
  }

  func weightGradient(_ sum: WeightSum) -> Tensor { sum.weights }

  /// The sizes of the grid of windows and of the map, as the kernels take them.
  private var sizes: [Int64] {
    [
      shape.outputHeight, shape.outputWidth, shape.inputs, shape.side, shape.stride, shape.padding, shape.height,
      shape.width,
    ].map(Int64.init)
  }

  private func unfold(_ x: UnsafePointer<Float>, into windows: Tensor) {
    let s = sizes
    ck_overlap_gather(1, s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], x, windows.pointer, 0)
  }

  private func forEachImage(_ body: (_ image: Int, _ windows: Tensor) -> Void) {
    let windows = Tensor(uninitialized: [places, window])
    for image in 0..<images { body(image, windows) }
  }
}
