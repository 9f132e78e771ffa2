/// Rows of words under column names, for people. What would steer a terminal is shown as an escape.
struct TextTable: CustomStringConvertible {
  private let header: [String]
  private let rows: [[String]]
  private let alignRight: [Bool]

  /// Rows have a word for each name of the header.
  init(_ header: [String], _ rows: [[String]], alignRight: [Bool]) {
    self.header = header.map(Escaping.line)
    self.rows = rows.map { $0.map(Escaping.line) }
    self.alignRight = alignRight
  }

  /// Two spaces between columns, none at the ends of lines.
  var description: String {
    let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
    return ([header] + rows).map { row in
      let cells = row.indices.map { column -> String in
        let gap = String(repeating: " ", count: widths[column] - row[column].count)
        return alignRight[column] ? gap + row[column] : row[column] + gap
      }
      let line = cells.joined(separator: "  ")
      return line.prefix(line.count - line.reversed().prefix { $0 == " " }.count) + "\n"
    }.joined()
  }
}
