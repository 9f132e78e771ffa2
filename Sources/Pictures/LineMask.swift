/// The share of each pixel in a rectangle that a curve covers. Joints and crossings of the curve count once.
struct LineMask {
  let left, top, width, height: Int
  private(set) var coverage: [Float]

  /// A mask of the pixels that the box touches, with no pixel covered.
  init(_ box: ChartLayout.Box) {
    left = Int(box.left.rounded(.down))
    top = Int(box.top.rounded(.down))
    width = Int(box.right.rounded(.up)) - left
    height = Int(box.bottom.rounded(.up)) - top
    coverage = [Float](repeating: 0, count: width * height)
  }

  /// Adds a straight line with round ends, clipped to the mask. If both ends are the same point, it is a dot.
  mutating func add(_ segment: Segment, radius: Double) {
    let reach = radius + 1
    guard
      let line = segment.clipped(
        minX: Double(left) - reach, minY: Double(top) - reach, maxX: Double(left + width) + reach,
        maxY: Double(top + height) + reach)
    else { return }
    let across = line.end.x - line.start.x
    let down = line.end.y - line.start.y
    let square = across * across + down * down
    let steep = abs(down) > abs(across)
    for row in rows(line, reach) {
      let y = Double(top + row) + 0.5
      for column in columns(line, y: steep ? y : nil, reach) {
        let x = Double(left + column) + 0.5
        let along = square == 0 ? 0 : ((x - line.start.x) * across + (y - line.start.y) * down) / square
        let nearest = min(max(along, 0), 1)
        let offsetX = x - line.start.x - nearest * across
        let offsetY = y - line.start.y - nearest * down
        let distance = (offsetX * offsetX + offsetY * offsetY).squareRoot()
        let value = Float(min(max(radius + 0.5 - distance, 0), 1))
        coverage[row * width + column] = max(coverage[row * width + column], value)
      }
    }
  }

  private func rows(_ line: Segment, _ reach: Double) -> Range<Int> {
    let low = Int((min(line.start.y, line.end.y) - reach).rounded(.down)) - top
    let high = Int((max(line.start.y, line.end.y) + reach).rounded(.up)) - top
    return Picture.overlap(start: low, count: high - low + 1, within: height)
  }

  /// The columns a line can touch; in a steep line, only those near it at height `y`.
  private func columns(_ line: Segment, y: Double?, _ reach: Double) -> Range<Int> {
    var low = min(line.start.x, line.end.x) - reach
    var high = max(line.start.x, line.end.x) + reach
    if let y {
      let x = line.start.x + (y - line.start.y) * (line.end.x - line.start.x) / (line.end.y - line.start.y)
      low = max(low, x - 2 * reach)
      high = min(high, x + 2 * reach)
    }
    guard low <= high else { return 0..<0 }
    let first = Int(low.rounded(.down)) - left
    return Picture.overlap(start: first, count: Int(high.rounded(.up)) - left - first + 1, within: width)
  }
}

extension Picture {
  /// Blends a color over the picture according to the mask.
  mutating func blend(_ mask: LineMask, color: Color) {
    let ink = channels == 1 ? [color.luma] : [color.red, color.green, color.blue]
    for row in Self.overlap(start: mask.top, count: mask.height, within: height) {
      for column in Self.overlap(start: mask.left, count: mask.width, within: width) {
        let amount = mask.coverage[(row - mask.top) * mask.width + column - mask.left]
        guard amount > 0 else { continue }
        for channel in 0..<channels {
          let index = (row * width + column) * channels + channel
          let under = Float(pixels[index])
          pixels[index] = UInt8((under + amount * (Float(ink[channel]) - under)).rounded())
        }
      }
    }
  }
}
