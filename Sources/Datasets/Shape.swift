import Glibc
import Scenes

/// A shape inscribed in the unit circle. To add a shape, add a case and its outline.
public enum Shape: String, CaseIterable, Sendable {
  case square, triangle, ellipse, heart

  /// Draws the shape into its stamp, which has center and angle, on a canvas of `side` pixels.
  ///
  /// Requires that the circle, `diameter` pixels across, lies inside the canvas (up to rounding). A pixel's ink is the
  /// share of it that lies inside the shape, where the outline is treated as straight within the pixel.
  func draw(stamp: inout Stamp, diameter: Double, side: Int) {
    let radius = diameter / 2
    let angle = stamp.angle ?? 0
    // The circle touches only the pixels of this frame.
    stamp.left = max(0, Int((stamp.center.x - radius).rounded(.down)))
    stamp.top = max(0, Int((stamp.center.y - radius).rounded(.down)))
    stamp.width = min(side, Int((stamp.center.x + radius).rounded(.up))) - stamp.left
    stamp.height = min(side, Int((stamp.center.y + radius).rounded(.up))) - stamp.top
    let pixel = Float(1 / radius)
    let across = Float(cos(angle) / radius)
    let down = Float(sin(angle) / radius)
    let left = Float(Double(stamp.left) + 0.5 - stamp.center.x)
    let top = Float(Double(stamp.top) + 0.5 - stamp.center.y)
    fill(stamp, pixel: pixel) { row, column in
      let x = Float(column) + left
      let y = Float(row) + top
      return (x * across + y * down, y * across - x * down)
    }
  }

  /// Each shape has its own loop, so that the compiler can inline its outline.
  private func fill(_ stamp: Stamp, pixel: Float, at place: (Int, Int) -> (x: Float, y: Float)) {
    switch self {
    case .square: Self.fill(stamp, pixel, place, Self.square)
    case .triangle: Self.fill(stamp, pixel, place, Self.triangle)
    case .ellipse: Self.fill(stamp, pixel, place, Self.ellipse)
    case .heart: Self.fill(stamp, pixel, place, Self.heart)
    }
  }

  @inline(__always)
  private static func fill(
    _ stamp: Stamp, _ pixel: Float, _ place: (Int, Int) -> (x: Float, y: Float), _ distance: (Float, Float) -> Float
  ) {
    for row in 0..<stamp.height {
      for column in 0..<stamp.width {
        let (x, y) = place(row, column)
        let share = min(max(0.5 - distance(x, y) / pixel, 0), 1)
        stamp.ink[row * stamp.width + column] = UInt8(share * 255 + 0.5)
      }
    }
  }

  // Distances to the outline, negative inside.

  private static func square(_ x: Float, _ y: Float) -> Float { max(abs(x), abs(y)) - Float(0.5).squareRoot() }

  /// Equilateral, with a corner at (0, -1).
  private static func triangle(_ x: Float, _ y: Float) -> Float {
    max(y, abs(x) * (Float(3).squareRoot() / 2) - y / 2) - 0.5
  }

  /// Half axes 1 and 0.5. The distance is a first-order approximation, exact on the outline.
  private static func ellipse(_ x: Float, _ y: Float) -> Float {
    let inner = (x * x + 4 * y * y).squareRoot()
    let slope = (x * x + 16 * y * y).squareRoot()
    return inner * (inner - 1) / max(slope, 1e-6)
  }

  /// A square standing on its corner at (0, 1), with a disc on each upper side. The corner and the discs touch the
  /// circle.
  private static func heart(_ x: Float, _ y: Float) -> Float {
    let down = y - (1 - heartSide * Float(2).squareRoot())
    // Coordinates along the square's axes. The centers of the discs are the middles of its upper sides.
    let along = (abs(x) + down) * Float(0.5).squareRoot()
    let up = (abs(x) - down) * Float(0.5).squareRoot()
    let square = max(abs(along), abs(up)) - heartSide
    let disc = (along * along + (up - heartSide) * (up - heartSide)).squareRoot() - heartSide
    return min(square, disc)
  }

  /// Half the side of the heart's square.
  private static let heartSide = (3 * Float(2).squareRoot() - 2) / 4
}
