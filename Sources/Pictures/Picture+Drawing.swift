extension Picture {
  /// Fills the pixels of a rectangle, clipped to the picture.
  public mutating func fillRectangle(x: Int, y: Int, width: Int, height: Int, color: Color) {
    let columns = Self.overlap(start: x, count: width, within: self.width)
    for row in Self.overlap(start: y, count: height, within: self.height) {
      for column in columns { setPixel(column, row, color) }
    }
  }

  /// Draws the outline of a box, clipped to the picture.
  ///
  /// Coordinates are pixel edges (pixel i covers i ... i + 1), rounded to whole pixels: a box from 2 to 6 marks the
  /// pixels 2 to 5. `thickness` is in pixels and extends inwards. A box with a NaN is not drawn.
  public mutating func drawRectangle(
    left: Double, top: Double, right: Double, bottom: Double, color: Color, thickness: Int = 1
  ) {
    guard let left = Self.wholePixel(left), let top = Self.wholePixel(top),
      let right = Self.wholePixel(right), let bottom = Self.wholePixel(bottom), thickness > 0
    else { return }
    let x = min(left, right)
    let y = min(top, bottom)
    let wide = max(1, max(left, right) - x)
    let high = max(1, max(top, bottom) - y)
    let across = min(thickness, wide)
    let down = min(thickness, high)
    fillRectangle(x: x, y: y, width: wide, height: down, color: color)
    fillRectangle(x: x, y: y + high - down, width: wide, height: down, color: color)
    fillRectangle(x: x, y: y, width: across, height: high, color: color)
    fillRectangle(x: x + wide - across, y: y, width: across, height: high, color: color)
  }

  /// Draws the closed polygon through the corners, one pixel wide and clipped, in the coordinates of `drawRectangle`.
  public mutating func drawPolygon(_ corners: [(x: Double, y: Double)], color: Color) {
    for (index, corner) in corners.enumerated() {
      drawLine(from: corner, to: corners[(index + 1) % corners.count], color: color)
    }
  }

  /// Draws a line, one pixel wide and clipped, in the coordinates of `drawRectangle`.
  ///
  /// A line with a coordinate that is not finite is not drawn.
  public mutating func drawLine(from start: (x: Double, y: Double), to end: (x: Double, y: Double), color: Color) {
    guard width > 0, height > 0,
      let segment = Segment(from: start, to: end).clipped(
        minX: 0, minY: 0, maxX: Double(width), maxY: Double(height))
    else { return }
    let across = segment.end.x - segment.start.x
    let down = segment.end.y - segment.start.y
    let steps = max(1, Int(max(abs(across), abs(down)).rounded(.up)))
    for step in 0...steps {
      let fraction = Double(step) / Double(steps)
      let column = Int(segment.start.x + fraction * across)
      let row = Int(segment.start.y + fraction * down)
      setPixel(min(max(0, column), width - 1), min(max(0, row), height - 1), color)
    }
  }

  /// Draws text in a fixed-width 5 x 7 font with its top left corner at (x, y), clipped. A line feed starts a new line.
  ///
  /// Characters other than printable ASCII are drawn as a hollow box. `scale` is the size of a font pixel, 1 or more.
  public mutating func drawText(_ text: String, x: Int, y: Int, color: Color, scale: Int = 1) {
    precondition(scale >= 1, "text at scale \(scale); the scale is 1 or more")
    var left = x
    var top = y
    for character in text {
      if character == "\n" {
        left = x
        top += BitmapFont.lineHeight * scale
        continue
      }
      for dot in BitmapFont.dots(of: character) {
        fillRectangle(
          x: left + dot.column * scale, y: top + dot.row * scale, width: scale, height: scale, color: color)
      }
      left += BitmapFont.advance * scale
    }
  }

  /// The width in pixels of one line of text drawn by `drawText`.
  public static func textWidth(_ text: String, scale: Int = 1) -> Int {
    max(0, text.count * BitmapFont.advance - 1) * scale
  }

  /// The height in pixels of a capital letter drawn by `drawText`; descenders reach 2 * scale below it.
  public static func textHeight(scale: Int = 1) -> Int { BitmapFont.height * scale }

  /// Sets one pixel, which must be inside the picture. In a gray picture it gets the color's brightness.
  mutating func setPixel(_ column: Int, _ row: Int, _ color: Color) {
    let index = (row * width + column) * channels
    if channels == 1 {
      pixels[index] = color.luma
    } else {
      pixels[index] = color.red
      pixels[index + 1] = color.green
      pixels[index + 2] = color.blue
    }
  }

  /// The nearest pixel edge, limited to a range that Int arithmetic can handle; nil for NaN.
  private static func wholePixel(_ coordinate: Double) -> Int? {
    coordinate.isNaN ? nil : Int(min(max(coordinate, -1e9), 1e9).rounded())
  }
}
