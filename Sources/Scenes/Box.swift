/// A point in an image, in pixels from its left and top edge. The center of the first pixel is (0.5, 0.5).
public struct Point: Hashable, Codable, Sendable {
  public var x, y: Double

  public init(x: Double, y: Double) {
    self.x = x
    self.y = y
  }
}

/// An axis-aligned rectangle in an image, with its edges in pixels. Pixel (row r, column c) covers [c, c + 1] x [r, r +
/// 1].
public struct Box: Hashable, Codable, Sendable {
  public var left, top, right, bottom: Double

  public init(left: Double, top: Double, right: Double, bottom: Double) {
    self.left = left
    self.top = top
    self.right = right
    self.bottom = bottom
  }

  /// The hull of some points: the smallest box that contains them all. Requires at least one point.
  public init(around points: [Point]) {
    precondition(!points.isEmpty, "the hull of no points was asked for")
    self.init(left: points[0].x, top: points[0].y, right: points[0].x, bottom: points[0].y)
    for point in points.dropFirst() {
      left = min(left, point.x)
      top = min(top, point.y)
      right = max(right, point.x)
      bottom = max(bottom, point.y)
    }
  }

  public var width: Double { right - left }
  public var height: Double { bottom - top }

  /// The area in square pixels; zero for a box whose edges are swapped.
  public var area: Double { max(0, width) * max(0, height) }

  public var center: Point { Point(x: (left + right) / 2, y: (top + bottom) / 2) }

  /// The area that two boxes share, in square pixels; zero if they only touch.
  public func sharedArea(with other: Box) -> Double {
    max(0, min(right, other.right) - max(left, other.left)) * max(0, min(bottom, other.bottom) - max(top, other.top))
  }

  /// Intersection over union, from 0 (disjoint, or both without area) to 1 (equal boxes).
  public func intersectionOverUnion(with other: Box) -> Double {
    let shared = sharedArea(with: other)
    let union = area + other.area - shared
    return union > 0 ? min(1, shared / union) : 0
  }
}

extension Box {
  /// The tight box of the pixels above a threshold in a row-major `[height, width]` plane; nil if there are none.
  @inlinable
  public init?<Value: Comparable>(
    ofPixelsAbove threshold: Value, in pixels: UnsafeBufferPointer<Value>, height: Int, width: Int
  ) {
    precondition(
      pixels.count == height * width, "a \(height) x \(width) plane has \(height * width) pixels, not \(pixels.count)")
    var top = height
    var bottom = 0
    var left = width
    var right = 0
    for row in 0..<height {
      let line = UnsafeBufferPointer(rebasing: pixels[row * width..<(row + 1) * width])
      guard let first = line.firstIndex(where: { $0 > threshold }),
        let last = line.lastIndex(where: { $0 > threshold })
      else { continue }
      top = min(top, row)
      bottom = row + 1
      left = min(left, first)
      right = max(right, last + 1)
    }
    guard top < bottom else { return nil }
    self.init(left: Double(left), top: Double(top), right: Double(right), bottom: Double(bottom))
  }
}
