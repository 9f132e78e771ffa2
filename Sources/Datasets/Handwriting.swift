import Tensors

/// Writes characters in simulated handwriting: each stroke deviates a little from its model, and the whole character
/// has a random slant, size, position and pen.
///
/// Lengths are in pixels.
struct Handwriting: Sendable {
  /// The side of the canvas.
  let side: Int
  /// The ranges of the pen's diameter, and of the height and width of the frame to which the model's field is scaled.
  /// Values are uniform in these ranges.
  let thickness, frame: ClosedRange<Double>
  /// The largest distance between the centers of frame and canvas, along either axis.
  let shift: Double
  /// The tangent of the largest slant.
  let slant: Double
  /// The standard deviation of the displacement of each stroke.
  let offset: Double
  /// The standard deviation of the entries of each stroke's linear map from the identity.
  let distortion: Double

  init(_ config: Hanzi.Config) {
    side = config.side
    thickness = config.thickness.smallest...config.thickness.largest
    frame = config.frame.smallest...config.frame.largest
    (shift, slant) = (config.shift, config.slant)
    (offset, distortion) = (config.stroke.offset, config.stroke.distortion)
  }

  /// One writing of a character.
  struct Writing {
    let pen: Pen
    /// The strokes of each component, in pixels of the canvas. All of their ink lies on the canvas.
    fileprivate(set) var components: [[Polyline]]
  }

  /// Writes a character with random variations from the generator.
  func write(_ character: KanjiVG.Character, _ generator: inout RandomGenerator) -> Writing {
    let pen = Pen(radius: Float(generator.uniform(in: thickness) / 2))
    let scale = SIMD2(generator.uniform(in: frame), generator.uniform(in: frame)) / Double(KanjiVG.side)
    let lean = slant * generator.uniform(in: -1...1)
    let middle = SIMD2(repeating: Double(side) / 2) + shift * generator.uniformPair()
    let field = SIMD2<Double>(repeating: Double(KanjiVG.side) / 2)
    // Slanted ink is shifted to the right above the middle and to the left below it.
    let whole = Affine(
      xx: scale.x, xy: -lean * scale.x, yx: 0, yy: scale.y, x: middle.x - scale.x * (field.x - lean * field.y),
      y: middle.y - scale.y * field.y)
    let components = character.components.map { component in
      component.strokes.map { stroke in
        let map = own(stroke, whole, &generator)
        return stroke.map(map.callAsFunction)
      }
    }
    var writing = Writing(pen: pen, components: components)
    fit(&writing)
    return writing
  }

  /// The map of one stroke: `whole`, then the stroke's random linear map around its middle and its random displacement.
  private func own(_ stroke: Polyline, _ whole: Affine, _ generator: inout RandomGenerator) -> Affine {
    var (low, high) = (stroke[0], stroke[0])
    for point in stroke { (low, high) = (pointwiseMin(low, point), pointwiseMax(high, point)) }
    let middle = whole(low / 2 + high / 2)
    let (xx, xy) = (1 + distortion * generator.normal(), distortion * generator.normal())
    let (yx, yy) = (distortion * generator.normal(), 1 + distortion * generator.normal())
    let (x, y) = (offset * generator.normal(), offset * generator.normal())
    let (centerX, centerY) = (Double(middle.x), Double(middle.y))
    let own = Affine(
      xx: xx, xy: xy, yx: yx, yy: yy, x: centerX + x - xx * centerX - xy * centerY,
      y: centerY + y - yx * centerX - yy * centerY)
    return own(after: whole)
  }

  /// Moves all ink onto the canvas, and shrinks it if it is larger than the canvas.
  private func fit(_ writing: inout Writing) {
    let pen = writing.pen
    guard let hull = pen.hull(of: writing.components.joined()) else { return }
    let size = hull.high - hull.low - 2 * pen.reach
    let room = Float(side) - 2 * pen.reach
    let scale = min(1, room / max(size.max(), .leastNormalMagnitude))
    let reach = SIMD2<Float>(repeating: pen.reach)
    let middle = (hull.low + hull.high) / 2
    let half = scale * size / 2
    let place = pointwiseMin(pointwiseMax(middle, reach + half), Float(side) - reach - half)
    guard scale < 1 || place != middle else { return }
    writing.components = writing.components.map { strokes in
      strokes.map { stroke in stroke.map { (point: SIMD2<Float>) in place + scale * (point - middle) } }
    }
  }
}

/// A linear map and a displacement in the plane.
private struct Affine {
  var xx, xy, yx, yy, x, y: Double

  func callAsFunction(_ point: SIMD2<Float>) -> SIMD2<Float> {
    let (px, py) = (Double(point.x), Double(point.y))
    return SIMD2(Float(xx * px + xy * py + x), Float(yx * px + yy * py + y))
  }

  /// The composition that applies the other map first.
  func callAsFunction(after other: Affine) -> Affine {
    Affine(
      xx: xx * other.xx + xy * other.yx, xy: xx * other.xy + xy * other.yy, yx: yx * other.xx + yy * other.yx,
      yy: yx * other.xy + yy * other.yy, x: xx * other.x + xy * other.y + x, y: yx * other.x + yy * other.y + y)
  }
}

extension RandomGenerator {
  /// Two numbers, each uniform in -1...1.
  fileprivate mutating func uniformPair() -> SIMD2<Double> {
    let x = uniform(in: -1...1)
    return SIMD2(x, uniform(in: -1...1))
  }
}
