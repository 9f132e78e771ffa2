/// Curves over a common pair of axes, to be drawn as pixels or as SVG.
///
/// Points that are not finite break their curve. With `yRange` the curves are cut off outside it; without, the axis
/// covers all points. A legend shows as soon as a curve has a name: inside where no curve passes, else to the right.
public struct LineChart: Sendable {
  /// One curve.
  public struct Series: Sendable {
    /// What the legend says; empty for no line in the legend.
    public var name: String
    /// The curve's points (x, y), joined in this order; a single point is a dot.
    public var points: [(Double, Double)]

    /// A curve through the points.
    public init(name: String, points: [(Double, Double)]) {
      self.name = name
      self.points = points
    }
  }

  public var title, xLabel, yLabel: String
  public var series: [Series]
  /// The y axis; nil to cover all points.
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

  /// A curve's color, by its place in `series`.
  static func color(of index: Int) -> Color { Color.chartPalette[index % Color.chartPalette.count] }

  static let ink = Color(hex: 0x262626)
  static let fainterInk = Color(hex: 0x555555)
  static let gridInk = Color(hex: 0xE4E4E4)
}
