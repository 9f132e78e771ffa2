extension LineChart {
  /// The chart as an SVG document of the given size in pixels. Requires 160 x 120 or more.
  public func svg(width: Int = 900, height: Int = 540) -> String {
    let layout = ChartLayout(self, width: width, height: height)
    let plot = layout.plot
    let size = 8 * layout.textScale
    var lines = [
      """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(height)" width="\(width)" height="\(height)" \
      font-family="sans-serif" font-size="\(size)">
      """,
      "<title>\(escaped(title))</title>",
      "<rect width=\"\(width)\" height=\"\(height)\" fill=\"white\"/>",
      """
      <clipPath id="plot"><rect x="\(number(plot.left))" y="\(number(plot.top))" width="\(number(plot.width))" \
      height="\(number(plot.height))"/></clipPath>
      """,
    ]
    lines += axes(layout, height: height)
    lines.append("<g clip-path=\"url(#plot)\" fill=\"none\" stroke-linejoin=\"round\" stroke-linecap=\"round\">")
    for (index, series) in series.enumerated() {
      lines += layout.curve(series).map { curve($0, color: Self.color(of: index), scale: layout.textScale) }
    }
    lines.append("</g>")
    lines += legendLines(layout)
    lines.append("</svg>")
    return lines.joined(separator: "\n") + "\n"
  }

  private func axes(_ layout: ChartLayout, height: Int) -> [String] {
    let plot = layout.plot
    let scale = Double(layout.textScale)
    var lines: [String] = []
    for (value, label) in zip(layout.yTicks.values, layout.yTicks.labels) {
      let y = layout.pixel(layout.xRange.lowerBound, value).y
      lines.append(line((plot.left, y), (plot.right, y), color: Self.gridInk, width: 1))
      lines.append(text(label, x: plot.left - 5 * scale, y: y + 3 * scale, anchor: "end", color: Self.fainterInk))
    }
    for (value, label) in zip(layout.xTicks.values, layout.xTicks.labels) {
      let x = layout.pixel(value, layout.yRange.lowerBound).x
      lines.append(line((x, plot.bottom), (x, plot.bottom + 2 * scale), color: Self.fainterInk, width: 1))
      lines.append(text(label, x: x, y: plot.bottom + 12 * scale, anchor: "middle", color: Self.fainterInk))
    }
    lines.append(line((plot.left, plot.bottom), (plot.right, plot.bottom), color: Self.fainterInk, width: 1))
    let titleBase = layout.titleTop + 7 * scale
    let yLabelBase = layout.yLabelTop + 7 * scale
    lines.append(text(title, x: 7 * scale, y: titleBase, anchor: "start", color: Self.ink))
    lines.append(text(yLabel, x: 7 * scale, y: yLabelBase, anchor: "start", color: Self.fainterInk))
    lines.append(
      text(
        xLabel, x: (plot.left + plot.right) / 2, y: Double(height) - 3 * scale, anchor: "middle",
        color: Self.fainterInk))
    return lines
  }

  private func legendLines(_ layout: ChartLayout) -> [String] {
    guard let legend = layout.legend else { return [] }
    let scale = Double(layout.textScale)
    let box = legend.box
    var lines = [
      """
      <rect x="\(number(box.left))" y="\(number(box.top))" width="\(number(box.width))" \
      height="\(number(box.height))" fill="white" stroke="\(Self.gridInk.hex)"/>
      """
    ]
    for (row, entry) in legend.lines.enumerated() {
      let top = box.top + 5 * scale + Double(row) * legend.rowHeight
      let left = box.left + 6 * scale
      if let series = entry.series {
        let y = top + 3.5 * scale
        lines.append(line((left, y), (left + 12 * scale, y), color: Self.color(of: series), width: scale))
      }
      lines.append(text(entry.text, x: left + 17 * scale, y: top + 6.5 * scale, anchor: "start", color: Self.ink))
    }
    return lines
  }

  private func curve(_ points: [(x: Double, y: Double)], color: Color, scale: Int) -> String {
    if let only = points.first, points.count == 1 {
      return "<circle cx=\"\(number(only.x))\" cy=\"\(number(only.y))\" r=\"\(2 * scale)\" fill=\"\(color.hex)\"/>"
    }
    let path = points.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " ")
    return "<polyline points=\"\(path)\" stroke=\"\(color.hex)\" stroke-width=\"\(scale)\"/>"
  }

  private func line(_ start: (Double, Double), _ end: (Double, Double), color: Color, width: Double) -> String {
    """
    <line x1="\(number(start.0))" y1="\(number(start.1))" x2="\(number(end.0))" y2="\(number(end.1))" \
    stroke="\(color.hex)" stroke-width="\(number(width))"/>
    """
  }

  private func text(_ text: String, x: Double, y: Double, anchor: String, color: Color) -> String {
    """
    <text x="\(number(x))" y="\(number(y))" text-anchor="\(anchor)" fill="\(color.hex)">\(escaped(text))</text>
    """
  }

  /// A coordinate rounded to a hundredth of a pixel and limited to the range that SVG viewers support.
  private func number(_ value: Double) -> String { decimal(min(max(value, -1e6), 1e6), places: 2) }

  /// Text with XML's special characters as entities and without the control characters that XML forbids.
  private func escaped(_ text: String) -> String {
    var result = ""
    for character in text.unicodeScalars {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case let control where control.value < 32 || control == "\u{FFFE}" || control == "\u{FFFF}": result += " "
      default: result.unicodeScalars.append(character)
      }
    }
    return result
  }
}
