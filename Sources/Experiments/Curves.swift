import Configuration
import Pictures

/// Learning curves of one or more runs, read from their `metrics.jsonl`.
public enum Curves {
  /// The quantity on the x axis.
  public enum Axis: String, CaseIterable, Sendable {
    case steps
    /// Seconds spent in training steps, without evaluations.
    case seconds
  }

  /// The values of one metric in one run, at each evaluation on validation scenes.
  struct Curve { let name: String, points: [(place: Double, value: Double)] }

  /// Draws a metric of runs as PNG or SVG, and writes the same numbers as CSV: a column with the step or time, then one
  /// column per run.
  ///
  /// Throws `RunError` if a run does not have the metric.
  public static func write(
    runs: [String], metric: String, against axis: Axis = .steps, picture: OutputFile?, table: OutputFile?
  ) throws {
    let curves = try runs.map { try curve($0, metric, axis) }
    if let picture {
      let series = curves.map { curve in
        LineChart.Series(name: curve.name, points: curve.points.map { ($0.place, $0.value) })
      }
      let chart = LineChart(
        title: "\(metric) on validation scenes", xLabel: axis == .steps ? "training step" : "seconds of training",
        yLabel: metric, series: series)
      try picture.write(chart)
    }
    if let table {
      var rows = [[axis == .steps ? "step" : "seconds"] + curves.map(\.name)]
      let columns = curves.map { curve in
        Dictionary(curve.points.map { ($0.place, $0.value) }, uniquingKeysWith: { first, _ in first })
      }
      for place in Set(curves.flatMap { $0.points.map(\.place) }).sorted() {
        let values = columns.map { column in column[place].map { "\($0)" } ?? "" }
        rows.append([axis == .steps ? "\(Int(place))" : "\(place)"] + values)
      }
      try table.write(CSV(rows).bytes)
    }
  }

  private static func curve(_ run: String, _ metric: String, _ axis: Axis) throws -> Curve {
    let folder = try RunFolder(opening: run)
    let path = "\(run)/metrics.jsonl"
    let times = axis == .seconds ? try TimingFile.stepSeconds("\(run)/timing.jsonl") : []
    var time = 0
    var points: [(place: Double, value: Double)] = []
    try JSONLines.read(path) { line, number, _ in
      guard let line, let step = line.step else {
        throw RunError("\(path):\(number): is not a line of a training log; remove it, or put the file back as it was")
      }
      guard line["split"]?.string == "validation", let value = line[metric]?.double else { return }
      // Both files are ordered by step.
      while time < times.count, times[time].step <= step { time += 1 }
      points.append((axis == .steps ? Double(step) : time > 0 ? times[time - 1].seconds : 0, value))
    }
    guard !points.isEmpty else {
      throw RunError("\(path): no evaluation holds '\(metric)'; look there for the names that it holds")
    }
    return Curve(name: folder.shortName, points: points)
  }
}

extension RunFolder {
  /// The last two components of the path: config and run.
  var shortName: String { path.split(separator: "/").suffix(2).joined(separator: "/") }
}
