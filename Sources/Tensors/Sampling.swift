import CKernels

extension Tensor {
  /// Bilinear samples of images at affine transforms of the output's pixel centers; zero outside.
  ///
  /// Self [batch, channel, height, width]; transform [batch, 6] = (a, b, tx, c, d, ty): the output pixel centered at
  /// (u, v) in [-1, 1]^2 takes the image at x = a u + b v + tx, y = c u + d v + ty, pixel i of N being centered at
  /// (2 i + 1) / N - 1.  Jaderberg et al. 2015.  `isAligned` promises b = c = 0: faster, and they get no gradient.
  public func sampled(at transform: Tensor, height: Int, width: Int, isAligned: Bool = false) -> Tensor {
    precondition(
      shape.count == 4 && transform.shape == [shape[0], 6], "images \(shape), transforms \(transform.shape)")
    let (images, transforms) = (detached(), transform.detached())
    let size = shape.map(Int64.init)
    let (outHeight, outWidth) = (Int64(height), Int64(width))
    let out = Tensor(uninitialized: [shape[0], shape[1], height, width])
    (isAligned ? ck_sample_aligned : ck_sample_affine)(
      size[0], size[1], size[2], size[3], images.pointer, transforms.pointer, outHeight, outWidth, out.pointer)
    return out.recorded(from: self, transform) { dy, inputs in
      let dimages = inputs.wants(0) ? Tensor.zeros(images.shape) : nil
      let dtransforms = inputs.wants(1) ? Tensor.zeros(transforms.shape) : nil
      (isAligned ? ck_sample_aligned_gradient : ck_sample_affine_gradient)(
        size[0], size[1], size[2], size[3], images.pointer, transforms.pointer, outHeight, outWidth, dy.pointer,
        dimages?.pointer, dtransforms?.pointer)
      if let dimages { inputs.add(dimages, to: 0) }
      if let dtransforms { inputs.add(dtransforms, to: 1) }
    }
  }
}
