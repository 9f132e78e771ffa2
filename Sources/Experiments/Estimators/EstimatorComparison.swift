import Glibc
import Pictures

/// The result of an estimator study: bias, variance and cost, for the whole gradient and for its parts.
public struct EstimatorComparison {
  /// One estimator's gradient for one part, at one training step.
  struct Row {
    let step: Int
    let estimator: String
    /// `all`, a module of the model, or the logits of a discrete node at a step: `presence/0`.
    let part: String
    let summary: GradientMoments.Summary
    /// The median time of an estimate and its gradient, in milliseconds.
    let milliseconds: Double
    /// Passes of the model over the batch.
    let passes: Double

    /// The cost of a gradient with variance 1: variance times milliseconds.
    var cost: Double { summary.variance * milliseconds }
  }

  let title: String
  let batches: Int
  var rows: [Row] = []

  init(title: String, batches: Int) { (self.title, self.batches) = (title, batches) }

  private var steps: [Int] { Array(Set(rows.map(\.step))).sorted() }

  private func rows(at step: Int, of part: String) -> [Row] { rows.filter { $0.step == step && $0.part == part } }

  /// Tables as readable text: the whole gradient, then the variance of its parts.
  public var text: String {
    let tables = steps.flatMap { step -> [String] in
      let whole = rows(at: step, of: "all")
      let cells = whole.map { row in
        [
          row.estimator, bias(row), scientific(row.summary.variance),
          row.summary.signalToNoise.map { scientific($0) } ?? "-", significant(row.milliseconds), fixed(row.passes, 0),
          scientific(row.cost),
        ]
      }
      let head = ["step \(step)", "bias (% of exact)", "variance", "signal/noise", "ms", "passes", "variance x ms"]
      let parts = rows.filter { $0.step == step && $0.estimator == whole.first?.estimator }.map(\.part).dropFirst()
      let details = whole.map { row in
        [row.estimator]
          + parts.map { part in
            rows(at: step, of: part).first { $0.estimator == row.estimator }.map { scientific($0.summary.variance) }
              ?? "-"
          }
      }
      return [
        "\(TextTable(head, cells, alignRight: [false] + head.dropFirst().map { _ in true }))",
        "\(TextTable(["variance of"] + parts, details, alignRight: [false] + parts.map { _ in true }))",
      ]
    }
    let first = "\(Escaping.line(title)): \(batches) draws of the discrete nodes, all else the same\n"
    return ([first] + tables).joined(separator: "\n")
  }

  private func bias(_ row: Row) -> String {
    row.summary.bias.map { "\(fixed(100 * $0.value, 2)) +- \(fixed(100 * $0.error, 2))" } ?? "-"
  }

  /// One line per estimator, step and part.
  public var csv: CSV {
    let lines = rows.map { row in
      let bias = row.summary.bias
      let values: [Double?] = [
        bias?.value, bias?.error, row.summary.length, row.summary.variance, row.summary.signalToNoise,
        row.milliseconds, row.passes, row.cost,
      ]
      return ["\(row.step)", row.estimator, row.part] + values.map { $0.map { "\($0)" } ?? "" }
    }
    let head = [
      "step", "estimator", "part", "bias", "bias_error", "length", "variance", "signal_to_noise", "milliseconds",
      "passes",
      "variance_times_milliseconds",
    ]
    return CSV([head] + lines)
  }

  /// The variance of the whole gradient over the training, on a logarithmic axis. Values of zero are omitted.
  public var chart: LineChart {
    let names = rows(at: steps.first ?? 0, of: "all").map(\.estimator)
    let series = names.compactMap { name -> LineChart.Series? in
      let points = rows.filter { $0.estimator == name && $0.part == "all" && $0.summary.variance > 0 }
        .map { (Double($0.step), log10($0.summary.variance)) }
      return points.isEmpty ? nil : LineChart.Series(name: name, points: points)
    }
    return LineChart(
      title: "Variance of the gradient, \(title)", xLabel: "training step", yLabel: "log10 of the variance",
      series: series)
  }

  /// Writes the chart as SVG or PNG. Throws `OutputFileFailure`.
  public func drawChart(to out: OutputFile) throws { try out.write(chart) }

  /// Writes the CSV. Throws `OutputFileFailure`.
  public func write(to out: OutputFile) throws { try out.write(csv.bytes) }
}

/// Formats as `1.23e+04`, and zero as `0`.
private func scientific(_ value: Double) -> String {
  guard value != 0, value.isFinite else { return value == 0 ? "0" : "\(value)" }
  let exponent = Int(log10(abs(value)).rounded(.down))
  let size = abs(exponent) < 10 ? "0\(abs(exponent))" : "\(abs(exponent))"
  return "\(fixed(value / pow(10, Double(exponent)), 2))e\(exponent < 0 ? "-" : "+")\(size)"
}
