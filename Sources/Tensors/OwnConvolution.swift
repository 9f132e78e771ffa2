import CKernels

extension Tensor {
  /// Convolves every image with its own kernel, with zeros outside the image: [images, height, width] with [images,
  /// side, side]. As in other libraries, it computes a cross-correlation. The side is odd and no larger than the image.
  public func convolved(withOwn kernels: Tensor) -> Tensor {
    let (shape, kernelShape) = (shape, kernels.shape)
    precondition(
      shape.count == 3 && kernelShape.count == 3 && kernelShape[0] == shape[0] && kernelShape[1] == kernelShape[2]
        && kernelShape[1] % 2 == 1 && kernelShape[1] <= min(shape[1], shape[2]),
      "images \(shape) do not go with kernels \(kernelShape)")
    let (images, height, width, side) = (
      Int64(shape[0]), Int64(shape[1]), Int64(shape[2]), Int64(kernelShape[1])
    )
    let (x, k) = (detached(), kernels.detached())
    let y = Tensor(uninitialized: shape)
    ck_own_convolution(images, height, width, side, x.pointer, k.pointer, y.pointer)
    return y.recorded(from: self, kernels) { dy, inputs in
      inputs.accumulate(0, shape: shape) {
        ck_own_convolution_input_gradient(images, height, width, side, dy.pointer, k.pointer, $0, $1)
      }
      inputs.accumulate(1, shape: kernelShape) {
        ck_own_convolution_kernel_gradient(images, height, width, side, x.pointer, dy.pointer, $0, $1)
      }
    }
  }
}
