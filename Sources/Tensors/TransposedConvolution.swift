import CKernels

extension Tensor {
  /// Transposed convolution of maps with their channels last: [batch, height, width, inputs] with a kernel [inputs,
  /// side, side, outputs] -> [batch, (height - 1) stride - 2 padding + side, the same for width, outputs].
  public func transposedConvolved(with kernel: Tensor, stride: Int, padding: Int) -> Tensor {
    let (shape, kernelShape) = (shape, kernel.shape)
    precondition(
      shape.count == 4 && kernelShape.count == 4 && kernelShape[0] == shape[3] && kernelShape[1] == kernelShape[2]
        && stride > 0 && padding >= 0 && 2 * padding < kernelShape[1],
      "maps \(shape) do not go with a kernel \(kernelShape), stride \(stride) and padding \(padding)")
    let windows = reshaped([shape[0] * shape[1] * shape[2], shape[3]])
      .matrixProduct(kernel.reshaped([shape[3], kernelShape[1] * kernelShape[2] * kernelShape[3]]))
    return windows.overlapped(
      [shape[0], shape[1], shape[2]], channels: kernelShape[3], side: kernelShape[1], stride: stride, padding: padding)
  }

  /// Places windows [batch * height * width, side * side * channels] `stride` apart, one for every position of `grid`
  /// [batch, height, width], and adds them where they overlap.
  private func overlapped(_ grid: [Int], channels: Int, side: Int, stride: Int, padding: Int) -> Tensor {
    let before = shape
    let reach = { (places: Int) in (places - 1) * stride - 2 * padding + side }
    let sizes = (grid + [channels, side, stride, padding]).map(Int64.init)
    let map = [reach(grid[1]), reach(grid[2])].map(Int64.init)
    let y = Tensor(uninitialized: [grid[0], reach(grid[1]), reach(grid[2]), channels])
    ck_overlap_add(
      sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5], sizes[6], map[0], map[1], pointer, y.pointer)
    return y.recorded(from: self) { dy, inputs in
      inputs.accumulate(0, shape: before) {
        ck_overlap_gather(
          sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5], sizes[6], map[0], map[1], dy.pointer, $0, $1)
      }
    }
  }
}
