/// A line segment.
struct Segment {
  var start, end: (x: Double, y: Double)

  init(from start: (x: Double, y: Double), to end: (x: Double, y: Double)) {
    self.start = start
    self.end = end
  }

  /// The part inside a closed rectangle (Liang and Barsky, 1984); nil if it is empty or a coordinate is not finite.
  func clipped(minX: Double, minY: Double, maxX: Double, maxY: Double) -> Segment? {
    let across = end.x - start.x
    let down = end.y - start.y
    guard across.isFinite, down.isFinite else { return nil }
    var first = 0.0
    var last = 1.0
    let edges = [
      (-across, start.x - minX), (across, maxX - start.x), (-down, start.y - minY), (down, maxY - start.y),
    ]
    for (direction, distance) in edges {
      if direction == 0 {
        if distance < 0 { return nil }
      } else if direction < 0 {
        first = max(first, distance / direction)
      } else {
        last = min(last, distance / direction)
      }
    }
    guard first <= last else { return nil }
    let from = (x: start.x + first * across, y: start.y + first * down)
    let to = (x: start.x + last * across, y: start.y + last * down)
    return Segment(from: from, to: to)
  }
}
