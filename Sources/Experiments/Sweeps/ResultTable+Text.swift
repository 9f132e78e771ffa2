import Evaluation
import Pictures

/// The output format of a table of results.
public enum ResultTableFormat: String, CaseIterable, Sendable { case text, markdown, csv, latex }

extension ResultTable {
  public func text(as format: ResultTableFormat) -> String {
    switch format {
    case .text: plain
    case .markdown: markdown
    case .csv: csv
    case .latex: latex
    }
  }

  /// The lines below a table, each escaped.
  private func notes(_ escape: (String) -> String) -> String {
    ([caption] + reasons + warnings.map { "Warning: \($0)." }).map { escape($0) + "\n" }.joined()
  }

  private var reasons: [String] {
    experiment.rows.compactMap { row in published[row]?.note.map { "\(row): \($0)." } }
  }

  private var plain: String {
    let rows = experiment.rows.map { row in [row] + columns.map { words(self[row, $0], plusMinus: "±") } }
    let table = TextTable(["row"] + columns, rows, alignRight: [false] + columns.map { _ in false })
    let title = Escaping.line(experiment.file.title)
    return (title.isEmpty ? "" : title + "\n\n") + table.description + "\n" + notes(Escaping.line)
  }

  private var markdown: String {
    let head = (["row"] + columns).map(Escaping.markdown)
    let lines =
      [head, head.map { _ in "---" }]
      + experiment.rows.map { row in
        [Escaping.markdown(row)] + columns.map { words(self[row, $0], plusMinus: "±") }
      }
    return lines.map { "| " + $0.joined(separator: " | ") + " |\n" }.joined() + "\n" + notes(Escaping.markdown)
  }

  private var latex: String {
    var lines = ["\\begin{tabular}{l" + String(repeating: "l", count: columns.count) + "}", "\\toprule"]
    func line(_ cells: [String]) -> String { cells.joined(separator: " & ") + " \\\\" }
    lines.append(line([""] + columns.map(Escaping.latex)))
    lines.append("\\midrule")
    lines += experiment.rows.map { row in
      line([Escaping.latex(row)] + columns.map { words(self[row, $0], plusMinus: "$\\pm$") })
    }
    lines += ["\\bottomrule", "\\end{tabular}"]
    return lines.joined(separator: "\n") + "\n" + notes { "% " + Escaping.latexComment($0) }
  }

  private var csv: String {
    let names = columns.flatMap {
      [$0, "\($0)_deviation", "\($0)_n", "\($0)_published", "\($0)_published_deviation", "\($0)_difference"]
    }
    var lines = [["row"] + names + ["failed", "collapsed", "unfinished"]]
    for row in experiment.rows {
      let values = columns.flatMap { column -> [String] in
        let entry = self[row, column]
        func number(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }
        return [
          number(entry.statistics.mean), number(entry.statistics.standardDeviation), "\(entry.statistics.count)",
          number(entry.published?.mean), number(entry.published?.deviation), number(entry.difference?.value),
        ]
      }
      let entry = self[row, columns.first ?? ""]
      lines.append([row] + values + [entry.failed, entry.collapsed, entry.unfinished].map(String.init))
    }
    return CSV(lines).text
  }

  /// `0.982 ± 0.004 (3; 1 failed) [paper 0.81 ± 0.23: +0.172, within]`
  private func words(_ entry: Entry, plusMinus: String) -> String {
    var text = "-"
    if let mean = entry.statistics.mean {
      text = pair(mean, entry.statistics.standardDeviation, plusMinus)
    }
    let counts = [
      entry.statistics.count == 0 ? "0" : "\(entry.statistics.count)", entry.failed > 0 ? "\(entry.failed) failed" : "",
      entry.collapsed > 0 ? "\(entry.collapsed) collapsed" : "",
      entry.unfinished > 0 ? "\(entry.unfinished) unfinished" : "",
    ]
    text += " (\(counts.filter { !$0.isEmpty }.joined(separator: "; ")))"
    guard let published = entry.published else { return text }
    var paper = "paper " + pair(published.mean, published.deviation, plusMinus)
    if let difference = entry.difference {
      let decimals = decimals(published.mean, published.deviation)
      paper += ": \(difference.value < 0 ? "" : "+")\(fixed(difference.value, decimals))"
      if let isWithin = difference.isWithin { paper += isWithin ? ", within" : ", outside" }
    }
    return "\(text) [\(paper)]"
  }

  /// `+0.012 ± 0.004`
  func difference(_ statistics: Statistics) -> String {
    guard let mean = statistics.mean else { return "-" }
    return (mean < 0 ? "" : "+") + pair(mean, statistics.standardDeviation, "±")
  }

  /// `0.982 ± 0.004`, or the mean alone.
  private func pair(_ mean: Double, _ deviation: Double?, _ plusMinus: String) -> String {
    let decimals = decimals(mean, deviation)
    return fixed(mean, decimals) + (deviation.map { " \(plusMinus) \(fixed($0, decimals))" } ?? "")
  }

  /// The number of decimals that shows about three digits of the deviation, or of the mean if there is no deviation.
  /// Whole numbers without a deviation have no decimals.
  private func decimals(_ mean: Double, _ deviation: Double?) -> Int {
    if mean == mean.rounded(), (deviation ?? 0) == 0 { return 0 }
    let size = abs(deviation.flatMap { $0 > 0 ? $0 : nil } ?? mean)
    return size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.1 ? 3 : 4
  }
}
