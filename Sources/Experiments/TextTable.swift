/// Rows of texts under column names, as aligned text. Control characters are shown as escapes.
struct TextTable: CustomStringConvertible {
  private let header: [String]
  private let rows: [[String]]
  private let alignRight: [Bool]

  /// Each row must have one text per column name.
  init(_ header: [String], _ rows: [[String]], alignRight: [Bool]) {
    self.header = header.map(Escaping.line)
    self.rows = rows.map { $0.map(Escaping.line) }
    self.alignRight = alignRight
  }

  /// The columns are separated by two spaces, and lines have no trailing spaces.
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
