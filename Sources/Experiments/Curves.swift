import Configuration
import Pictures

/// Learning curves of one or more runs, from their `metrics.jsonl`.
public enum Curves {
  /// One run's values of one metric at the steps where it was evaluated on validation scenes.
  struct Curve { let name: String, points: [(step: Int, value: Double)] }

  /// Draws a metric of runs into a PNG, and writes the same numbers as CSV (step, then a column a run).
  /// Throws where a run has no such metric.
  public static func write(runs: [String], metric: String, picture: String?, table: String?) throws {
    let curves = try runs.map { try curve($0, metric) }
    if let picture {
      let series = curves.map { curve in
        LineChart.Series(name: curve.name, points: curve.points.map { (Double($0.step), $0.value) })
      }
      let chart = LineChart(
        title: "\(metric) on validation scenes", xLabel: "training step", yLabel: metric, series: series)
      try chart.picture().writePNG(to: picture)
    }
    if let table {
      var lines = [(["step"] + curves.map(\.name)).joined(separator: ",")]
      for step in Set(curves.flatMap { $0.points.map(\.step) }).sorted() {
        let values = curves.map { curve in curve.points.first { $0.step == step }.map { "\($0.value)" } ?? "" }
        lines.append((["\(step)"] + values).joined(separator: ","))
      }
      try writeFileAtomically(Array((lines.joined(separator: "\n") + "\n").utf8), to: table)
    }
  }

  private static func curve(_ run: String, _ metric: String) throws -> Curve {
    let folder = try RunFolder(opening: run)
    let text = String(decoding: try readFile("\(run)/metrics.jsonl"), as: UTF8.self)
    var points: [(step: Int, value: Double)] = []
    for line in text.split(separator: "\n") {
      let entry = try JSON(parsing: Array(line.utf8))
      guard entry["split"]?.string == "validation", let step = entry["step"]?.double, let value = entry[metric]?.double
      else { continue }
      points.append((Int(step), value))
    }
    guard !points.isEmpty else {
      throw RunError("\(run)/metrics.jsonl: no evaluation holds '\(metric)'; look there for the names that it holds")
    }
    return Curve(name: folder.shortName, points: points)
  }
}

extension RunFolder {
  /// The last two parts of the path: config and run.
  var shortName: String { path.split(separator: "/").suffix(2).joined(separator: "/") }
}
