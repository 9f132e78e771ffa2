import CKernels

/// Operations on maps with their channels last, and on the maps of several objects.
extension Tensor {
  /// Max pooling over squares of side x side pixels: [batch, height, width, channels] -> [batch, height / side, width /
  /// side, channels].
  ///
  /// `side` is at most 15 and divides height and width. The gradient goes to the first of equal values.
  public func maxPooled(by side: Int) -> Tensor {
    let before = shape
    precondition(
      before.count == 4 && (1...15).contains(side) && before[1] % side == 0 && before[2] % side == 0,
      "maps \(before) cannot be pooled by \(side)")
    let s = (before + [side]).map(Int64.init)
    let y = Tensor(uninitialized: [before[0], before[1] / side, before[2] / side, before[3]])
    let chosen = Bytes(count: y.count)
    ck_max_pool(s[0], s[1], s[2], s[3], s[4], pointer, y.pointer, chosen.pointer)
    return y.recorded(from: self) { dy, inputs in
      inputs.accumulate(0, shape: before) {
        ck_max_pool_gradient(s[0], s[1], s[2], s[3], s[4], dy.pointer, chosen.pointer, $0, $1)
      }
    }
  }

  /// Bilinear enlargement by a whole factor: [batch, height, width, channels] -> [batch, factor height, factor width,
  /// channels]. Values belong to pixel centers, and the border is repeated (PyTorch's align_corners=False).
  public func upsampled(by factor: Int) -> Tensor {
    let before = shape
    precondition(before.count == 4 && factor >= 1, "maps \(before) cannot be enlarged by \(factor)")
    let s = (before + [factor]).map(Int64.init)
    let y = Tensor(uninitialized: [before[0], factor * before[1], factor * before[2], before[3]])
    ck_upsample(s[0], s[1], s[2], s[3], s[4], pointer, y.pointer)
    return y.recorded(from: self) { dy, inputs in
      inputs.accumulate(0, shape: before) { ck_upsample_gradient(s[0], s[1], s[2], s[3], s[4], dy.pointer, $0, $1) }
    }
  }

  /// The element-wise maximum over `count` objects, at most 255: [batch * count, ...] -> [batch, ...].
  ///
  /// The objects of an image follow each other. Maps [batch * count, height, width, channels] are first enlarged by
  /// `upsampling`, which costs less here than as a separate operation. The gradient goes to the first of equal values.
  public func maxOver(objects count: Int, upsampling: Int = 1) -> Tensor {
    precondition(count <= 255, "\(count) objects are more than 255")
    return united(count, upsampling, byMaximum: true)
  }

  /// The sum over `count` objects, otherwise like `maxOver(objects:upsampling:)`.
  public func sumOver(objects count: Int, upsampling: Int = 1) -> Tensor {
    united(count, upsampling, byMaximum: false)
  }

  private func united(_ count: Int, _ factor: Int, byMaximum: Bool) -> Tensor {
    precondition(
      count >= 1 && !shape.isEmpty && shape[0] % count == 0 && (factor == 1 || factor > 1 && shape.count == 4),
      "\(shape) does not hold \(count) objects an image, to be enlarged by \(factor)")
    let batch = shape[0] / count
    var after = [batch] + shape.dropFirst()
    if factor > 1 { (after[1], after[2]) = (factor * after[1], factor * after[2]) }
    let y = Tensor(uninitialized: after)
    let union = Union(
      objects: count, factor: factor, maps: shape, size: y.count / max(1, batch),
      chosen: byMaximum ? Bytes(count: y.count) : nil)
    let (x, before) = (detached(), shape)
    Threads.divide(batch) { union.unite(x, $0, into: y) }
    return y.recorded(from: self) { dy, inputs in
      inputs.accumulate(0, shape: before) { dx, accumulates in
        Threads.divide(batch) { union.pullBack(dy, $0, into: dx, accumulates) }
      }
    }
  }

  /// The columns of the `count` largest elements of every row, in descending order; of equal elements the first comes
  /// first.
  ///
  /// Not recorded: rows gathered by these indices (`gathered(rows:)`) have gradients, the choice itself has none.
  public func largestColumns(_ count: Int) -> [[Int]] {
    let width = columns
    precondition((0...width).contains(count), "\(count) of \(width) columns were asked for")
    return withUnsafeBuffer { x in
      (0..<rows).map { row in
        let order = (0..<width).sorted { a, b in
          let (left, right) = (x[row * width + a], x[row * width + b])
          return left > right || left == right && a < b
        }
        return Array(order.prefix(count))
      }
    }
  }
}

/// Enlarges the objects of an image and combines them by maximum or sum, one image at a time.
private struct Union {
  let objects, factor: Int
  /// The shape of the maps of all objects of all images, and the number of values of a combined image.
  let maps: [Int], size: Int
  /// The index of the object that each value comes from, for the maximum; nil for the sum.
  let chosen: Bytes?

  private var objectSize: Int { size / (factor * factor) }
  /// The sizes of the objects of an image, as the kernels take them.
  private var sizes: [Int64] { [objects, maps[1], maps[2], maps[3], factor].map(Int64.init) }

  func unite(_ x: Tensor, _ images: Range<Int>, into y: Tensor) {
    let enlarged = factor > 1 ? Tensor(uninitialized: [objects * size]) : nil
    for image in images {
      var own = UnsafePointer(x.pointer + image * objects * objectSize)
      if let enlarged {
        let s = sizes
        ck_upsample(s[0], s[1], s[2], s[3], s[4], own, enlarged.pointer)
        own = UnsafePointer(enlarged.pointer)
      }
      let result = y.pointer + image * size
      if let chosen {
        ck_max_over(1, Int64(objects), Int64(size), own, result, chosen.pointer + image * size)
      } else {
        ck_sum_over(1, Int64(objects), Int64(size), own, result)
      }
    }
  }

  func pullBack(_ dy: Tensor, _ images: Range<Int>, into dx: UnsafeMutablePointer<Float>, _ accumulates: Int32) {
    let enlarged = factor > 1 ? Tensor(uninitialized: [objects * size]) : nil
    for image in images {
      let (slope, own) = (dy.pointer + image * size, dx + image * objects * objectSize)
      let (target, adds) = enlarged.map { ($0.pointer, 0) } ?? (own, accumulates)
      if let chosen {
        ck_max_over_gradient(1, Int64(objects), Int64(size), slope, chosen.pointer + image * size, target, adds)
      } else {
        ck_sum_over_gradient(1, Int64(objects), Int64(size), slope, target, adds)
      }
      if let enlarged {
        let s = sizes
        ck_upsample_gradient(s[0], s[1], s[2], s[3], s[4], enlarged.pointer, own, accumulates)
      }
    }
  }
}
