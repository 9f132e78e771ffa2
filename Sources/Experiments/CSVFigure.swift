import Pictures

/// Draws a table of numbers as curves. The first column is the x axis, and each other column is a curve.
public enum CSVFigure {
  /// Draws a CSV file as PNG or SVG. The first line of the file names the columns, and empty cells are omitted.
  ///
  /// Throws `FileError`, and `RunError` with the line number if a cell is not a number.
  public static func write(_ path: String, title: String, yLabel: String, picture: OutputFile) throws {
    let rows = try CSV(parsing: readFile(path), name: path).rows
    guard let header = rows.first?.fields, header.count >= 2 else {
      throw RunError("\(path): a first line with the names of at least two columns is wanted: x,curve")
    }
    var series = header.dropFirst().map { LineChart.Series(name: $0, points: []) }
    for row in rows.dropFirst() {
      let (place, cells) = ("\(path):\(row.line)", row.fields)
      guard cells.count == header.count else {
        throw RunError("\(place): has \(cells.count) cells, the first line \(header.count)")
      }
      let values = try cells.map { cell -> Double? in
        if cell.isEmpty { return nil }
        guard let value = Double(cell), value.isFinite else {
          throw RunError("\(place): '\(cell)' is not a number")
        }
        return value
      }
      guard let x = values[0] else {
        throw RunError("\(place): the first cell is empty; a number is wanted")
      }
      for (index, value) in values.dropFirst().enumerated() {
        if let value { series[index].points.append((x, value)) }
      }
    }
    guard series.contains(where: { !$0.points.isEmpty }) else { throw RunError("\(path): holds no numbers to draw") }
    let chart = LineChart(title: title, xLabel: header[0], yLabel: yLabel, series: series)
    try picture.write(chart)
  }
}
