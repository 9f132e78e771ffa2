import Scenes
import Tensors

/// The ink of one object, drawn separately, and its position on the canvas.
struct Stamp {
  /// The memory for the ink, `[height, width]` row-major. It is as large as the canvas.
  let ink: UnsafeMutablePointer<UInt8>

  /// The frame that contains all ink, in pixels of the canvas. It lies inside the canvas.
  var left = 0
  var top = 0
  var width = 0
  var height = 0

  var label = 0
  var center = Point(x: 0, y: 0)
  var angle: Double?
  var scale: Double?

  /// Places the frame at a uniform position inside a square canvas.
  mutating func placeUniformly(onSide side: Int, _ generator: inout RandomGenerator) {
    left = generator.integer(below: side - width + 1)
    top = generator.integer(below: side - height + 1)
    center = Point(x: Double(left) + Double(width) / 2, y: Double(top) + Double(height) / 2)
    scale = Double(max(width, height)) / Double(side)
  }

  /// The object at its position on the canvas. Its box contains the ink above a tenth of the object's maximum.
  func object() -> SceneObject {
    let extent = InkExtent(of: ink, height: height, width: width, stride: width, aboveShare: 10)
    let box = Box(
      left: Double(left + extent.columns.lowerBound), top: Double(top + extent.rows.lowerBound),
      right: Double(left + extent.columns.upperBound), bottom: Double(top + extent.rows.upperBound))
    return SceneObject(label: label, center: center, box: box, angle: angle, scale: scale)
  }

  /// The ink at its position on an empty plane of the canvas's size.
  func mask(height canvasHeight: Int, width canvasWidth: Int) -> [UInt8] {
    var plane = [UInt8](repeating: 0, count: canvasHeight * canvasWidth)
    for row in 0..<height {
      for column in 0..<width { plane[(top + row) * canvasWidth + left + column] = ink[row * width + column] }
    }
    return plane
  }
}

/// The rows and columns that contain ink; all of them if there is none.
struct InkExtent {
  let rows, columns: Range<Int>

  /// Finds the ink above the share 1 / `divisor` of the maximum, or any ink if `divisor` is nil.
  ///
  /// One pass computes the maximum of each row and column.
  init(of ink: UnsafePointer<UInt8>, height: Int, width: Int, stride: Int, aboveShare divisor: UInt8?) {
    (rows, columns) = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: height + width) { memory in
      let rowMaxima = UnsafeMutableBufferPointer(rebasing: memory[..<height])
      let columnMaxima = UnsafeMutableBufferPointer(rebasing: memory[height...])
      columnMaxima.initialize(repeating: 0)
      for row in 0..<height {
        let line = UnsafeBufferPointer(start: ink + row * stride, count: width)
        var maximum: UInt8 = 0
        for column in 0..<width {
          maximum = max(maximum, line[column])
          columnMaxima[column] = max(columnMaxima[column], line[column])
        }
        rowMaxima[row] = maximum
      }
      let threshold = divisor.map { (rowMaxima.max() ?? 0) / $0 } ?? 0
      return (Self.span(of: rowMaxima, above: threshold), Self.span(of: columnMaxima, above: threshold))
    }
  }

  private static func span(of maxima: UnsafeMutableBufferPointer<UInt8>, above threshold: UInt8) -> Range<Int> {
    var first = 0
    var last = maxima.count
    while first < last, maxima[first] <= threshold { first += 1 }
    while first < last, maxima[last - 1] <= threshold { last -= 1 }
    return first < last ? first..<last : 0..<maxima.count
  }
}
