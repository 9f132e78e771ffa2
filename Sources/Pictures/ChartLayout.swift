/// The positions of all parts of a line chart in pixels, shared by the picture and the SVG.
struct ChartLayout {
  /// A rectangle in pixels, y downwards.
  struct Box {
    var left, top, right, bottom: Double
    var width: Double { right - left }
    var height: Double { bottom - top }

    func grown(by margin: Double) -> Box {
      Box(left: left - margin, top: top - margin, right: right + margin, bottom: bottom + margin)
    }
  }

  /// The legend's frame and lines. A line without a curve states how many curves are left out.
  struct Legend {
    struct Line {
      let series: Int?
      let text: String
    }
    var box: Box
    let lines: [Line]
    let rowHeight: Double
  }

  /// The size of a font pixel: 2 in charts of at least 600 x 360 pixels, 1 in smaller ones.
  let textScale: Int
  /// The area in which the curves are drawn.
  private(set) var plot: Box
  let xRange, yRange: ClosedRange<Double>
  private(set) var xTicks: AxisTicks
  let yTicks: AxisTicks
  private(set) var legend: Legend?
  /// The top edges of the title and of the y label.
  let titleTop, yLabelTop: Double

  init(_ chart: LineChart, width: Int, height: Int) {
    precondition(width >= 160 && height >= 120, "a chart of \(width) x \(height) pixels; 160 x 120 or more are needed")
    let scale = width >= 600 && height >= 360 ? 2 : 1
    let unit = Double(scale)
    let line = Double(Picture.textHeight(scale: scale))
    textScale = scale
    titleTop = 8 * unit
    yLabelTop = titleTop + (chart.title.isEmpty ? 0 : line + 7 * unit)
    let top = yLabelTop + (chart.yLabel.isEmpty ? line / 2 : line + 11 * unit)
    let bottom = Double(height) - 8 * unit - line - (chart.xLabel.isEmpty ? 0 : line + 6 * unit)
    xRange = axisRange(chart.series.flatMap { $0.points.map(\.0) })
    yRange = Self.yRange(chart)
    yTicks = AxisTicks(in: yRange, count: max(2, Int((bottom - top) / (4.5 * line))))
    let labels = yTicks.labels.map { Picture.textWidth($0, scale: scale) }.max() ?? 0
    plot = Box(left: 14 * unit + Double(labels), top: top, right: Double(width) - 12 * unit, bottom: bottom)
    xTicks = Self.xTicks(xRange, width: plot.width, scale: scale)
    legend = Self.legend(chart, plot: plot, scale: scale)
    placeLegend(chart)
  }

  /// The position of a data point in pixels.
  func pixel(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
    let across = (x - xRange.lowerBound) / (xRange.upperBound - xRange.lowerBound)
    let up = (y - yRange.lowerBound) / (yRange.upperBound - yRange.lowerBound)
    return (plot.left + across * plot.width, plot.bottom - up * plot.height)
  }

  /// A curve in pixels. Points that cannot be drawn split it into pieces; points that no pixel would show are left out.
  func curve(_ series: LineChart.Series) -> [[(x: Double, y: Double)]] {
    series.points.split { !isDrawable($0.0) || !isDrawable($0.1) }.map { piece in
      Self.thinned(piece.map { pixel($0.0, $0.1) })
    }
  }

  /// Puts the legend in the first corner or at the first side that no curve passes, otherwise right of a narrower plot.
  private mutating func placeLegend(_ chart: LineChart) {
    guard var legend else { return }
    let inset = 6 * Double(textScale)
    let free = Box(
      left: plot.left + inset, top: plot.top + inset, right: plot.right - inset - legend.box.width,
      bottom: plot.bottom - inset - legend.box.height)
    let curves = chart.series.flatMap { curve($0) }
    if free.width >= 0 && free.height >= 0 {
      for (across, down) in [(1, 0), (0, 0), (1, 1), (0, 1), (1, 0.5), (0, 0.5), (0.5, 0), (0.5, 1)] {
        legend.box = legend.box.moved(left: free.left + across * free.width, top: free.top + down * free.height)
        if !legend.box.grown(by: inset / 2).meets(curves) {
          self.legend = legend
          return
        }
      }
    }
    legend.box = legend.box.moved(left: plot.right - legend.box.width, top: plot.top)
    plot.right -= legend.box.width + inset
    xTicks = Self.xTicks(xRange, width: plot.width, scale: textScale)
    self.legend = legend
  }

  /// The legend with its lines and size, not yet at its position; nil if no curve has a name.
  private static func legend(_ chart: LineChart, plot: Box, scale: Int) -> Legend? {
    let named = chart.series.indices.filter { !chart.series[$0].name.isEmpty }
    guard !named.isEmpty else { return nil }
    let unit = Double(scale)
    let rowHeight = Double(Picture.textHeight(scale: scale)) + 5 * unit
    let rows = max(1, Int((plot.height - 8 * unit) / rowHeight))
    let longest = max(4, Int(plot.width * 0.4) / (BitmapFont.advance * scale))
    var lines = named.prefix(named.count > rows ? rows - 1 : rows).map {
      Legend.Line(series: $0, text: shortened(chart.series[$0].name, to: longest))
    }
    if lines.count < named.count { lines.append(Legend.Line(series: nil, text: "+\(named.count - lines.count) more")) }
    let text = lines.map { Picture.textWidth($0.text, scale: scale) }.max() ?? 0
    let size = Box(
      left: 0, top: 0, right: Double(text) + 29 * unit, bottom: Double(lines.count) * rowHeight + 5 * unit)
    return Legend(box: size, lines: lines, rowHeight: rowHeight)
  }

  /// The name, or its start and two dots if it is too long.
  static func shortened(_ name: String, to count: Int) -> String {
    name.count <= count ? name : name.prefix(max(0, count - 2)) + ".."
  }

  /// The chart's `yRange`, or the range of all points plus a margin that does not go below zero unless a point does.
  private static func yRange(_ chart: LineChart) -> ClosedRange<Double> {
    if let given = chart.yRange { return axisRange([given.lowerBound, given.upperBound]) }
    let range = axisRange(chart.series.flatMap { $0.points.filter { isDrawable($0.0) }.map(\.1) })
    let air = 0.05 * (range.upperBound - range.lowerBound)
    let low = range.lowerBound >= 0 ? max(0, range.lowerBound - air) : range.lowerBound - air
    return low...(range.upperBound + air)
  }

  /// As many ticks as their labels leave room for.
  private static func xTicks(_ range: ClosedRange<Double>, width: Double, scale: Int) -> AxisTicks {
    var count = max(2, Int(width / Double(45 * scale)))
    while true {
      let ticks = AxisTicks(in: range, count: count)
      let widest = ticks.labels.map { Picture.textWidth($0, scale: scale) }.max() ?? 0
      let needed = Double(ticks.labels.count * (widest + 10 * scale))
      if needed <= width || count <= 1 { return ticks }
      count -= 1
    }
  }

  /// Keeps only the first, lowest, highest and last of consecutive points in a pixel column, in their order.
  private static func thinned(_ points: [(x: Double, y: Double)]) -> [(x: Double, y: Double)] {
    var result: [(x: Double, y: Double)] = []
    var start = 0
    while start < points.count {
      var end = start + 1
      while end < points.count, points[end].x.rounded(.down) == points[start].x.rounded(.down) { end += 1 }
      let low = (start..<end).min { points[$0].y < points[$1].y } ?? start
      let high = (start..<end).max { points[$0].y < points[$1].y } ?? start
      for index in Set([start, low, high, end - 1]).sorted() { result.append(points[index]) }
      start = end
    }
    return result
  }
}

extension ChartLayout.Box {
  /// The same box at another position.
  func moved(left: Double, top: Double) -> Self {
    Self(left: left, top: top, right: left + width, bottom: top + height)
  }

  /// Whether any of the curves passes through the box.
  func meets(_ curves: [[(x: Double, y: Double)]]) -> Bool {
    curves.contains { points in
      points.indices.contains { index in
        Segment(from: points[max(0, index - 1)], to: points[index])
          .clipped(minX: left, minY: top, maxX: right, maxY: bottom) != nil
      }
    }
  }
}
