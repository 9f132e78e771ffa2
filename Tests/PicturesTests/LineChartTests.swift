import Glibc
import Testing

@testable import Pictures

@Suite struct LineChartTests {
  private func curve(_ count: Int, _ value: (Double) -> Double) -> [(Double, Double)] {
    (0..<count).map { (Double($0), value(Double($0))) }
  }

  private func count(_ color: Color, in picture: Picture) -> Int {
    stride(from: 0, to: picture.pixels.count, by: 3).count {
      picture.pixels[$0] == color.red && picture.pixels[$0 + 1] == color.green && picture.pixels[$0 + 2] == color.blue
    }
  }

  @Test func pictureHasItsSizeWhiteGroundAndCurves() {
    let chart = LineChart(
      title: "Accuracy", xLabel: "step", yLabel: "share",
      series: [.init(name: "one", points: curve(50) { $0 }), .init(name: "two", points: curve(50) { 50 - $0 })])
    let picture = chart.picture()
    #expect(picture.width == 900 && picture.height == 540 && picture.channels == 3)
    #expect(picture.pixels.prefix(3) == [255, 255, 255])
    #expect(count(.white, in: picture) > 400_000)
    #expect(count(LineChart.color(of: 0), in: picture) > 500)
    #expect(count(LineChart.color(of: 1), in: picture) > 500)
    #expect(count(LineChart.color(of: 2), in: picture) == 0)
    #expect(chart.picture(width: 320, height: 200).width == 320)
  }

  @Test func aPointStandsWhereTheAxesSay() {
    let chart = LineChart(series: [.init(name: "", points: [(0, 0), (10, 0)])], yRange: -1...1)
    let layout = ChartLayout(chart, width: 900, height: 540)
    let picture = chart.picture()
    let centre = layout.pixel(5, 0)
    let index = (Int(centre.y) * 900 + Int(centre.x)) * 3
    let color = LineChart.color(of: 0)
    #expect(Array(picture.pixels[index..<index + 3]) == [color.red, color.green, color.blue])
    #expect(centre.y == (layout.plot.top + layout.plot.bottom) / 2)
  }

  @Test(arguments: [1, 2, 8])
  func legendAvoidsTheCurves(curves: Int) throws {
    let chart = LineChart(
      series: (0..<curves).map { shift in
        .init(name: "curve \(shift)", points: curve(400) { sin($0 / 9 + Double(shift)) })
      })
    let layout = ChartLayout(chart, width: 900, height: 540)
    let legend = try #require(layout.legend)
    #expect(!legend.box.meets(chart.series.flatMap { layout.curve($0) }))
    #expect(legend.box.right <= 900 && legend.box.top >= 0 && legend.box.bottom <= 540)
  }

  @Test func longLegendsAreCutToThePlot() throws {
    let chart = LineChart(
      series: (0..<100).map { .init(name: String(repeating: "name", count: 99) + "\($0)", points: [(0, 0), (1, 1)]) })
    let layout = ChartLayout(chart, width: 400, height: 300)
    let legend = try #require(layout.legend)
    #expect(legend.box.height <= layout.plot.height + 1)
    #expect(layout.plot.width > 100)
    #expect(legend.lines.last?.text.hasSuffix(" more") == true)
    _ = chart.picture(width: 400, height: 300)
  }

  @Test(arguments: [
    [], [(0.0, 0.0)], [(3, 7), (3, 7)], [(0, .nan), (1, 2), (.infinity, 3)], [(0, -1e308), (1, 1e308)],
    [(0, 5e-300), (.leastNonzeroMagnitude, 0)], [(1e300, 1e300), (-1e300, -1e300)], [(1e9, 1), (1e9 + 1e-6, 2)],
    [(.nan, .nan)],
  ])
  func oddPointsAreDrawnWithoutTrapping(points: [(Double, Double)]) {
    var chart = LineChart(title: "<&>\u{1}", series: [.init(name: "odd", points: points)])
    for range in [nil, 0...0, 2...3, -1e308...1e308, -Double.infinity ... .infinity] as [ClosedRange<Double>?] {
      chart.yRange = range
      #expect(chart.picture(width: 160, height: 120).pixels.count == 160 * 120 * 3)
      #expect(chart.svg().hasSuffix("</svg>\n"))
    }
  }

  @Test func gapsSplitTheCurve() {
    let chart = LineChart(series: [.init(name: "", points: curve(10) { $0 == 4 ? .nan : $0 })])
    #expect(chart.svg().split(separator: "<polyline").count == 3)
  }

  @Test func longCurvesKeepTheirExtremes() {
    let points = curve(100_000) { $0 == 51_234 ? 5 : 0 }
    let layout = ChartLayout(LineChart(series: [.init(name: "", points: points)]), width: 900, height: 540)
    let drawn = layout.curve(LineChart.Series(name: "", points: points))
    #expect(drawn.count == 1 && drawn[0].count < 4000)
    #expect(drawn[0].map(\.y).min() == layout.pixel(51_234, 5).y)
  }

  @Test func svgHoldsTheTextAndEscapesIt() {
    let chart = LineChart(
      title: "a < b & \"c\"", xLabel: "step", yLabel: "y", series: [.init(name: "é>", points: curve(5) { $0 })])
    let svg = chart.svg()
    #expect(svg.hasPrefix("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 900 540\""))
    #expect(svg.contains(">a &lt; b &amp; &quot;c&quot;</text>"))
    #expect(svg.contains(">é&gt;</text>"))
    #expect(svg.contains("stroke=\"\(LineChart.color(of: 0).hex)\""))
  }
}
