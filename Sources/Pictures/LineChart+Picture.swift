extension LineChart {
  /// The chart as an RGB picture on white. Requires 160 x 120 pixels or more.
  public func picture(width: Int = 900, height: Int = 540) -> Picture {
    let layout = ChartLayout(self, width: width, height: height)
    var picture = Picture(width: width, height: height, channels: 3, fill: 255)
    drawAxes(layout, &picture)
    let radius = 0.4 + 0.35 * Double(layout.textScale)
    for (index, series) in series.enumerated() {
      var mask = LineMask(layout.plot)
      for piece in layout.curve(series) {
        if let only = piece.first, piece.count == 1 { mask.add(Segment(from: only, to: only), radius: 2 * radius) }
        for (start, end) in zip(piece, piece.dropFirst()) { mask.add(Segment(from: start, to: end), radius: radius) }
      }
      picture.blend(mask, color: Self.color(of: index))
    }
    drawLegend(layout, radius: radius, &picture)
    return picture
  }

  private func drawAxes(_ layout: ChartLayout, _ picture: inout Picture) {
    let scale = layout.textScale
    let plot = layout.plot
    let left = Int(plot.left)
    let bottom = Int(plot.bottom)
    let longest = picture.width / (BitmapFont.advance * scale) - 2
    let title = ChartLayout.shortened(title, to: longest)
    let yLabel = ChartLayout.shortened(yLabel, to: longest)
    picture.drawText(title, x: 7 * scale, y: Int(layout.titleTop), color: Self.ink, scale: scale)
    picture.drawText(yLabel, x: 7 * scale, y: Int(layout.yLabelTop), color: Self.fainterInk, scale: scale)
    for (value, label) in zip(layout.yTicks.values, layout.yTicks.labels) {
      let row = Int(layout.pixel(layout.xRange.lowerBound, value).y.rounded())
      picture.fillRectangle(x: left, y: row, width: Int(plot.width), height: 1, color: Self.gridInk)
      picture.drawText(
        label, x: left - 5 * scale - Picture.textWidth(label, scale: scale), y: row - 3 * scale,
        color: Self.fainterInk, scale: scale)
    }
    for (value, label) in zip(layout.xTicks.values, layout.xTicks.labels) {
      let column = Int(layout.pixel(value, layout.yRange.lowerBound).x.rounded())
      picture.fillRectangle(x: column, y: bottom, width: 1, height: 2 * scale + 1, color: Self.fainterInk)
      let width = Picture.textWidth(label, scale: scale)
      picture.drawText(
        label, x: min(column - width / 2, picture.width - width - 2), y: bottom + 5 * scale, color: Self.fainterInk,
        scale: scale)
    }
    picture.fillRectangle(x: left, y: bottom, width: Int(plot.width) + 1, height: 1, color: Self.fainterInk)
    picture.drawText(
      xLabel, x: left + (Int(plot.width) - Picture.textWidth(xLabel, scale: scale)) / 2,
      y: picture.height - 10 * scale, color: Self.fainterInk, scale: scale)
  }

  private func drawLegend(_ layout: ChartLayout, radius: Double, _ picture: inout Picture) {
    guard let legend = layout.legend else { return }
    let scale = layout.textScale
    let box = legend.box
    picture.fillRectangle(
      x: Int(box.left), y: Int(box.top), width: Int(box.width), height: Int(box.height), color: .white)
    picture.drawRectangle(
      left: box.left, top: box.top, right: box.right, bottom: box.bottom, color: Self.gridInk)
    for (row, line) in legend.lines.enumerated() {
      let top = box.top + 5 * Double(scale) + Double(row) * legend.rowHeight
      let left = box.left + 6 * Double(scale)
      if let series = line.series {
        let y = top + 3.5 * Double(scale)
        var mask = LineMask(box)
        mask.add(Segment(from: (left, y), to: (left + 12 * Double(scale), y)), radius: radius)
        picture.blend(mask, color: Self.color(of: series))
      }
      picture.drawText(line.text, x: Int(left) + 17 * scale, y: Int(top), color: Self.ink, scale: scale)
    }
  }
}
