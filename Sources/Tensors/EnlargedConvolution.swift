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

  private var elements: Int { side * side * outputs }
  private var inputSize: Int { height * width * inputs }
  private var outputSize: Int { height * width * factor * factor * outputs }
  /// The number of elements in a row of the map, of the products and of the result.
  private var inputRow: Int { width * inputs }
  private var productRow: Int { width * elements }
  private var outputRow: Int { factor * width * outputs }
  private func operations(_ batch: Int) -> Int { 2 * batch * height * width * inputs * elements }

  /// The division of a map into strips of rows, whose products fit into a core's own cache.
  private struct Strips {
    /// The number of rows that are multiplied at a time, and the number of rows of products that are kept in memory.
    let rows, capacity: Int
    /// For each row of the result, the rows of the map that it depends on.
    let sources: [ClosedRange<Int>]
  }

  /// The number of floats of products that fit into the cache.
  private static let largestStrip = 1 << 16

  private var strips: Strips {
    let sources = (0..<factor * height).map { row -> ClosedRange<Int> in
      var (lowest, highest) = (Int64(0), Int64(0))
      ck_enlarged_rows(Int64(height), Int64(side), Int64(factor), Int64(row), &lowest, &highest)
      return Int(lowest)...Int(highest)
    }
    let most = max(1, Self.largestStrip / productRow)
    let parts = (height + most - 1) / most
    let rows = (height + parts - 1) / parts
    return Strips(rows: rows, capacity: min(height, rows + (sources.map(\.count).max() ?? 0)), sources: sources)
  }

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
      let (w, strips) = (packed(kernel), strips)
      Threads.divide(batch) { part in
        let z = Tensor(uninitialized: [strips.capacity, productRow])
        let line = Tensor(uninitialized: [width * side * outputs])
        for image in part {
          let result = y.pointer + image * outputSize
          forward(x.pointer + image * inputSize, w, bias, strips, z, line, into: result)
          if activation != .none { ck_bias_activation(1, Int64(outputSize), result, nil, activation.kernel) }
        }
      }
    }
    return y
  }

  /// Convolves one map.
  private func forward(
    _ map: UnsafePointer<Float>, _ w: Tensor, _ bias: Tensor, _ strips: Strips, _ z: Tensor, _ line: Tensor,
    into result: UnsafeMutablePointer<Float>
  ) {
    let sources = strips.sources
    var row = 0
    // The rows of the map whose products are in z.
    var held = 0..<0
    while row < sources.count {
      let kept = sources[row].lowerBound..<held.upperBound
      if !kept.isEmpty && kept.lowerBound > held.lowerBound {
        z.pointer.update(
          from: z.pointer + (kept.lowerBound - held.lowerBound) * productRow, count: kept.count * productRow)
      }
      let next = held.upperBound..<min(held.upperBound + strips.rows, height)
      held = min(kept.lowerBound, next.lowerBound)..<next.upperBound
      multiplyAlone(
        map + next.lowerBound * inputRow, w.pointer, into: z.pointer + (next.lowerBound - held.lowerBound) * productRow,
        m: next.count * width, n: elements, k: inputs)
      let end = sources[row...].firstIndex { $0.upperBound >= held.upperBound } ?? sources.count
      ck_fold_enlarged(
        Int64(height), Int64(width), Int64(outputs), Int64(side), Int64(factor), Int64(row), Int64(end),
        Int64(held.lowerBound), z.pointer, bias.pointer, line.pointer, result + row * outputRow)
      row = end
    }
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
      let (w, strips) = (packed(kernel), strips)
      Threads.divide(batch) { part in
        let z = Tensor(uninitialized: [strips.capacity, productRow])
        let line = Tensor(uninitialized: [width * side * outputs])
        let slopes = Tensor(uninitialized: [outputSize])
        let sum = WeightSum(weights: .zeros([inputs, side, side, outputs]), bias: .zeros([outputs]))
        for image in part {
          var slope = UnsafePointer(dy.pointer + image * outputSize)
          if activation != .none {
            ck_activation_gradient(
              activation.kernel, y.pointer + image * outputSize, slope, slopes.pointer, Int64(outputSize))
            slope = UnsafePointer(slopes.pointer)
          }
          if wantsWeights {
            ck_column_sums(Int64(outputSize / outputs), Int64(outputs), slope, sum.bias.pointer, 1)
          }
          backward(
            slope, strips, z, line, map: wantsWeights ? x.pointer + image * inputSize : nil, weightSum: sum.weights, w,
            into: dx.map { $0 + image * inputSize }, accumulates)
        }
        if wantsWeights { sums.withLock { $0[part.lowerBound] = sum } }
      }
    }
    return WeightSum.total(sums.withLock { $0 }).map { WeightSum(weights: unpacked($0.weights), bias: $0.bias) }
  }

  /// Computes the gradients of one map from the gradient before its activation. Adds to the gradient of the weights if
  /// `map` is given.
  private func backward(
    _ slope: UnsafePointer<Float>, _ strips: Strips, _ z: Tensor, _ line: Tensor, map: UnsafePointer<Float>?,
    weightSum: Tensor, _ w: Tensor, into dx: UnsafeMutablePointer<Float>?, _ accumulates: Int32
  ) {
    let sources = strips.sources
    var (row, done) = (0, 0)
    ck_fill(0, z.pointer, Int64(z.count))
    while done < height {
      let rows = done..<min(done + strips.rows, height)
      let end = sources[row...].firstIndex { $0.lowerBound >= rows.upperBound } ?? sources.count
      ck_unfold_enlarged(
        Int64(height), Int64(width), Int64(outputs), Int64(side), Int64(factor), Int64(row), Int64(end), Int64(done),
        slope + row * outputRow, line.pointer, z.pointer)
      let pixels = rows.count * width
      if let map {
        multiplyAlone(
          map + done * inputRow, transposed: true, z.pointer, into: weightSum.pointer, m: inputs, n: elements,
          k: pixels,
          accumulates: 1)
      }
      if let dx {
        multiplyAlone(
          z.pointer, w.pointer, otherTransposed: true, into: dx + done * inputRow, m: pixels, n: inputs, k: elements,
          accumulates: accumulates)
      }
      // Move unfinished rows to the front.
      let touched = (end > row ? sources[end - 1].upperBound : rows.upperBound - 1) + 1 - done
      let left = max(0, touched - rows.count)
      z.pointer.update(from: z.pointer + rows.count * productRow, count: left * productRow)
      ck_fill(0, z.pointer + left * productRow, Int64((max(touched, rows.count) - left) * productRow))
      (row, done) = (end, rows.upperBound)
    }
  }
}
