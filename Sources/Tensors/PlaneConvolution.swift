import CKernels

extension Tensor {
  /// Converts maps to images: a convolution with few outputs and zero padding, whose result has its channels first.
  ///
  /// Self [batch, height, width, inputs], kernel [side, side, inputs, outputs] with an odd side, bias [outputs] ->
  /// [batch, outputs, height, width]. Every pixel is multiplied by the whole kernel, which gives side^2 outputs
  /// numbers; these are then added at the pixels to which they belong. Libraries vectorize over outputs, of which there
  /// are too few here.
  public func convolvedToPlanes(with kernel: Tensor, bias: Tensor) -> Tensor {
    let layer = PlaneConvolution(maps: shape, kernel: kernel.shape)
    precondition(bias.shape == [layer.outputs], "a bias \(bias.shape) for \(layer.outputs) outputs")
    let (x, w) = (detached(), layer.packed(kernel))
    let y = layer.forward(x, w, bias.detached())
    let kernelShape = kernel.shape
    return y.recorded(from: self, kernel, bias) { dy, inputs in
      let wantsWeights = inputs.wants(1) || inputs.wants(2)
      var sum: WeightSum?
      if inputs.wants(0) {
        inputs.accumulate(0, shape: x.shape) {
          sum = layer.backward(x, w, dy, wantsWeights: wantsWeights, into: $0, accumulates: $1)
        }
      } else if wantsWeights {
        sum = layer.backward(x, w, dy, wantsWeights: true, into: nil, accumulates: 0)
      }
      guard let sum else { return }
      inputs.add(layer.unpacked(sum.weights, kernelShape), to: 1)
      inputs.add(sum.bias, to: 2)
    }
  }

  /// Images [batch, channels, height, width] -> maps [batch, height, width, channels].
  public func channelsLast() -> Tensor {
    transposed(rows: shape[0], shape[1], shape[2] * shape[3], to: [shape[0], shape[2], shape[3], shape[1]])
  }

  /// Transposes each of `rows` matrices n x m -> m x n.
  private func transposed(rows: Int, _ n: Int, _ m: Int, to shape: [Int]) -> Tensor {
    let (before, y) = (self.shape, Tensor(uninitialized: shape))
    ck_transpose(Int64(rows), Int64(n), Int64(m), pointer, y.pointer, 0)
    return y.recorded(from: self) { dy, inputs in
      inputs.accumulate(0, shape: before) { ck_transpose(Int64(rows), Int64(m), Int64(n), dy.pointer, $0, $1) }
    }
  }
}

/// Processes one map at a time: z = kernel x map^T [side * side * outputs, pixels], then added into planes.
private struct PlaneConvolution {
  let batch, height, width, inputs, side, outputs: Int

  init(maps: [Int], kernel: [Int]) {
    precondition(
      maps.count == 4 && kernel.count == 4 && kernel[0] == kernel[1] && kernel[0] % 2 == 1 && kernel[2] == maps[3]
        && kernel[0] / 2 < min(maps[1], maps[2]),
      "maps \(maps) do not go with a kernel \(kernel)")
    (batch, height, width, inputs) = (maps[0], maps[1], maps[2], maps[3])
    (side, outputs) = (kernel[0], kernel[3])
  }

  private var pixels: Int { height * width }
  private var elements: Int { side * side * outputs }
  private var operations: Int { 2 * batch * pixels * inputs * elements }

  /// [side, side, inputs, outputs] -> [side * side * outputs, inputs].
  func packed(_ kernel: Tensor) -> Tensor {
    let packed = Tensor(uninitialized: [elements, inputs])
    ck_transpose(Int64(side * side), Int64(inputs), Int64(outputs), kernel.pointer, packed.pointer, 0)
    return packed
  }

  func unpacked(_ packed: Tensor, _ shape: [Int]) -> Tensor {
    let kernel = Tensor(uninitialized: shape)
    ck_transpose(Int64(side * side), Int64(outputs), Int64(inputs), packed.pointer, kernel.pointer, 0)
    return kernel
  }

  func forward(_ x: Tensor, _ w: Tensor, _ bias: Tensor) -> Tensor {
    let (y, biases) = (Tensor(uninitialized: [batch, outputs, height, width]), bias.array())
    Profile.measureConvolutions(operations) {
      Threads.divide(batch) { part in
        let z = Tensor(uninitialized: [elements, pixels])
        for image in part {
          multiplyAlone(
            w.pointer, x.pointer + image * pixels * inputs, otherTransposed: true, into: z.pointer, m: elements,
            n: pixels, k: inputs)
          let planes = y.pointer + image * outputs * pixels
          for output in 0..<outputs { ck_fill(biases[output], planes + output * pixels, Int64(pixels)) }
          ck_fold_planes(Int64(height), Int64(width), Int64(outputs), Int64(side), z.pointer, planes)
        }
      }
    }
    return y
  }

  /// Adds to the gradient of the maps, or overwrites it. Returns the gradients of the packed kernel and the bias if
  /// requested.
  func backward(
    _ x: Tensor, _ w: Tensor, _ dy: Tensor, wantsWeights: Bool, into dx: UnsafeMutablePointer<Float>?,
    accumulates: Int32
  ) -> WeightSum? {
    let sums = Lock<[Int: WeightSum]>([:])
    Profile.measureConvolutions(((dx == nil ? 0 : 1) + (wantsWeights ? 1 : 0)) * operations) {
      Threads.divide(batch) { part in
        let z = Tensor(uninitialized: [elements, pixels])
        let sum = WeightSum(weights: .zeros([elements, inputs]), bias: .zeros([outputs]))
        for image in part {
          let planes = dy.pointer + image * outputs * pixels
          ck_unfold_planes(Int64(height), Int64(width), Int64(outputs), Int64(side), planes, z.pointer)
          if wantsWeights {
            multiplyAlone(
              z.pointer, x.pointer + image * pixels * inputs, into: sum.weights.pointer, m: elements, n: inputs,
              k: pixels, accumulates: 1)
            ck_row_sums(Int64(outputs), Int64(pixels), planes, sum.bias.pointer, 1)
          }
          if let dx {
            multiplyAlone(
              z.pointer, transposed: true, w.pointer, into: dx + image * pixels * inputs, m: pixels, n: inputs,
              k: elements, accumulates: accumulates)
          }
        }
        if wantsWeights { sums.withLock { $0[part.lowerBound] = sum } }
      }
    }
    return WeightSum.total(sums.withLock { $0 })
  }
}
