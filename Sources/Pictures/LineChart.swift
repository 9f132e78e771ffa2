/// Curves in a common coordinate system, which can be drawn as pixels or as SVG.
///
/// Points that are not finite break their curve. If `yRange` is set, the curves are clipped to it; otherwise the axis
/// covers all points. If a curve has a name, there is a legend: inside the plot where no curve passes, or else to its
/// right.
public struct LineChart: Sendable {
  /// One curve.
  public struct Series: Sendable {
    /// The name in the legend; empty for a curve without a legend entry.
    public var name: String
    /// The points (x, y) of the curve, joined in this order. A single point is drawn as a dot.
    public var points: [(Double, Double)]

    /// A curve through the points.
    public init(name: String, points: [(Double, Double)]) {
      self.name = name
      self.points = points
    }
  }

  public var title, xLabel, yLabel: String
  public var series: [Series]
  /// The range of the y axis; nil to cover all points.
  public var yRange: ClosedRange<Double>?

  /// A chart of the curves.
  public init(
    title: String = "", xLabel: String = "", yLabel: String = "", series: [Series] = [],
    yRange: ClosedRange<Double>? = nil
  ) {
    self.title = title
    self.xLabel = xLabel
    self.yLabel = yLabel
    self.series = series
    self.yRange = yRange
  }

  /// The color of a curve, which depends on its index in `series`.
  static func color(of index: Int) -> Color { Color.chartPalette[index % Color.chartPalette.count] }

  static let ink = Color(hex: 0x262626)
  static let fainterInk = Color(hex: 0x555555)
  static let gridInk = Color(hex: 0xE4E4E4)
}
