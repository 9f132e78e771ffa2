import CKernels

extension Tensor {
  /// Bilinear samples of images at affine transforms of the output's pixel centers; zero outside the image.
  ///
  /// Self [batch, channel, height, width]; transform [batch, 6] = (a, b, tx, c, d, ty). The output pixel centered at
  /// (u, v) in [-1, 1]^2 takes the image's value at x = a u + b v + tx, y = c u + d v + ty. Pixel i of N is centered at
  /// (2 i + 1) / N - 1. Jaderberg et al. 2015. With `isAligned` the caller promises b = c = 0: this is faster, and b
  /// and c get no gradient.
  public func sampled(at transform: Tensor, height: Int, width: Int, isAligned: Bool = false) -> Tensor {
    precondition(
      shape.count == 4 && transform.shape == [shape[0], 6], "images \(shape), transforms \(transform.shape)")
    let (images, transforms) = (detached(), transform.detached())
    let size = shape.map(Int64.init)
    let (outHeight, outWidth) = (Int64(height), Int64(width))
    let out = Tensor(uninitialized: [shape[0], shape[1], height, width])
    let (plane, outPlane) = (shape[1] * shape[2] * shape[3], shape[1] * height * width)
    Profile.measure(.sampling) {
      Threads.divide(shape[0], smallest: 8) { part in
        let start = part.lowerBound
        (isAligned ? ck_sample_aligned : ck_sample_affine)(
          Int64(part.count), size[1], size[2], size[3], images.pointer + start * plane,
          transforms.pointer + 6 * start, outHeight, outWidth, out.pointer + start * outPlane)
      }
    }
    return out.recorded(from: self, transform) { dy, inputs in
      let dimages = inputs.wants(0) ? Tensor.zeros(images.shape) : nil
      let dtransforms = inputs.wants(1) ? Tensor.zeros(transforms.shape) : nil
      Profile.measure(.sampling) {
        Threads.divide(images.shape[0], smallest: 8) { part in
          let start = part.lowerBound
          (isAligned ? ck_sample_aligned_gradient : ck_sample_affine_gradient)(
            Int64(part.count), size[1], size[2], size[3], images.pointer + start * plane,
            transforms.pointer + 6 * start, outHeight, outWidth, dy.pointer + start * outPlane,
            dimages.map { $0.pointer + start * plane }, dtransforms.map { $0.pointer + 6 * start })
        }
      }
      if let dimages { inputs.add(dimages, to: 0) }
      if let dtransforms { inputs.add(dtransforms, to: 1) }
    }
  }
}
