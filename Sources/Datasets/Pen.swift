/// A round pen that draws ink along polylines.
struct Pen {
  /// The radius in pixels.
  let radius: Float

  /// The hull of all ink of some strokes, in pixels; nil without strokes.
  func hull(of strokes: some Sequence<Polyline>) -> (low: SIMD2<Float>, high: SIMD2<Float>)? {
    var low = SIMD2<Float>(repeating: .infinity)
    var high = -low
    for stroke in strokes {
      for point in stroke {
        low = pointwiseMin(low, point)
        high = pointwiseMax(high, point)
      }
    }
    return low.x <= high.x ? (low - reach, high + reach) : nil
  }

  /// The largest distance of ink from the middle line; the edge is a pixel wide.
  var reach: Float { radius + 0.5 }

  /// Draws strokes that lie within the canvas into a stamp, and sets the stamp's frame to the pixels around them.
  ///
  /// A pixel's ink is the share of it that the pen covers, where the pen's edge is treated as straight within the
  /// pixel. Where strokes cross, the larger ink of the two is kept.
  func draw(_ strokes: [Polyline], to stamp: inout Stamp, side: Int) {
    guard let hull = hull(of: strokes) else { return }
    stamp.left = max(0, Int(hull.low.x.rounded(.down)))
    stamp.top = max(0, Int(hull.low.y.rounded(.down)))
    stamp.width = min(side, Int(hull.high.x.rounded(.up))) - stamp.left
    stamp.height = min(side, Int(hull.high.y.rounded(.up))) - stamp.top
    stamp.ink.update(repeating: 0, count: stamp.width * stamp.height)
    let corner = SIMD2(Float(stamp.left) + 0.5, Float(stamp.top) + 0.5)
    for stroke in strokes {
      var start = stroke[0] - corner
      for point in stroke.dropFirst() {
        let end = point - corner
        draw(from: start, to: end, stamp)
        start = end
      }
    }
  }

  /// Draws a straight line. Positions are relative to the center of the stamp's first pixel.
  private func draw(from start: SIMD2<Float>, to end: SIMD2<Float>, _ stamp: Stamp) {
    let low = pointwiseMin(start, end) - reach
    let high = pointwiseMax(start, end) + reach
    let rows = max(0, Int(low.y.rounded(.up)))...max(0, min(stamp.height - 1, Int(high.y.rounded(.down))))
    let columns = max(0, Int(low.x.rounded(.up)))...max(0, min(stamp.width - 1, Int(high.x.rounded(.down))))
    let way = end - start
    let squared = (way * way).sum()
    // A line of length zero is a dot.
    let along = squared > 0 ? way / squared : .zero
    for row in rows {
      let line = stamp.ink + row * stamp.width
      let y = Float(row) - start.y
      for column in columns {
        let x = Float(column) - start.x
        let share = min(max(x * along.x + y * along.y, 0), 1)
        let (across, down) = (x - share * way.x, y - share * way.y)
        let covered = min(max(reach - (across * across + down * down).squareRoot(), 0), 1)
        line[column] = max(line[column], UInt8(covered * 255 + 0.5))
      }
    }
  }
}
