import Evaluation

/// How a table of results is written.
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

  private func notes(_ prefix: String) -> String {
    ([caption] + reasons + warnings.map { "Warning: \($0)." }).map { prefix + $0 + "\n" }.joined()
  }

  private var reasons: [String] {
    experiment.rows.compactMap { row in published[row]?.reason.map { "\(row): not compared with the paper: \($0)." } }
  }

  private var plain: String {
    let rows = experiment.rows.map { row in [row] + columns.map { words(self[row, $0], plusMinus: "±") } }
    let table = TextTable(["row"] + columns, rows, alignRight: [false] + columns.map { _ in false })
    return (experiment.file.title.isEmpty ? "" : experiment.file.title + "\n\n") + table.description + "\n" + notes("")
  }

  private var markdown: String {
    let head = ["row"] + columns
    let lines =
      [head, head.map { _ in "---" }]
      + experiment.rows.map { row in [row] + columns.map { words(self[row, $0], plusMinus: "±") } }
    return lines.map { "| " + $0.joined(separator: " | ") + " |\n" }.joined() + "\n" + notes("")
  }

  private var latex: String {
    func escaped(_ text: String) -> String {
      text.map { "_%&#$".contains($0) ? "\\\($0)" : "\($0)" }.joined()
    }
    var lines = ["\\begin{tabular}{l" + String(repeating: "l", count: columns.count) + "}", "\\toprule"]
    func line(_ cells: [String]) -> String { cells.joined(separator: " & ") + " \\\\" }
    lines.append(line([""] + columns.map(escaped)))
    lines.append("\\midrule")
    lines += experiment.rows.map { row in
      line([escaped(row)] + columns.map { escaped(words(self[row, $0], plusMinus: "@")).replacingAt() })
    }
    lines += ["\\bottomrule", "\\end{tabular}"]
    return lines.joined(separator: "\n") + "\n" + notes("% ")
  }

  private var csv: String {
    let names = columns.flatMap {
      [$0, "\($0)_deviation", "\($0)_n", "\($0)_published", "\($0)_published_deviation", "\($0)_difference"]
    }
    var lines = [(["row"] + names + ["failed", "collapsed", "unfinished"]).joined(separator: ",")]
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
      lines.append(
        ([row] + values + [entry.failed, entry.collapsed, entry.unfinished].map(String.init)).joined(separator: ","))
    }
    return lines.joined(separator: "\n") + "\n"
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

  /// As many decimals as the deviation has digits that mean something; none for whole numbers.
  private func decimals(_ mean: Double, _ deviation: Double?) -> Int {
    if mean == mean.rounded(), (deviation ?? 0) == 0 { return 0 }
    let size = abs(deviation.flatMap { $0 > 0 ? $0 : nil } ?? mean)
    return size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.1 ? 3 : 4
  }
}

extension String {
  fileprivate func replacingAt() -> String { map { $0 == "@" ? "$\\pm$" : "\($0)" }.joined() }
}
