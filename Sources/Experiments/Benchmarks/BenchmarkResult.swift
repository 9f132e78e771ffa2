import Configuration
import Glibc
import Tensors

/// The result of a benchmark: tables of figures, and the settings that they depend on.
public struct BenchmarkResult: Sendable {
  public struct Table: Sendable {
    public let name: String
    /// The name of each column, with its unit: `ms_per_step_median`.
    public let columns: [String]
    public var rows: [Row] = []

    /// Adds a row with one figure per column, nil where there is none.
    mutating func add(_ name: String, _ figures: Double?...) { add(name, figures) }

    /// Adds a row with one figure per column, nil where there is none.
    mutating func add(_ name: String, _ figures: [Double?]) {
      precondition(figures.count == columns.count, "\(figures.count) figures for the columns \(columns)")
      rows.append(Row(name: name, figures: figures))
    }
  }

  public struct Row: Sendable {
    public let name: String
    public let figures: [Double?]
  }

  public let name: String
  /// The number of threads, the CPU, the kernels, and the keys that were set.
  public let settings: [JSON.Member]
  public let tables: [Table]
  /// Remarks that a reader needs to interpret the figures.
  public internal(set) var notes: [String]

  init(_ name: String, _ options: BenchmarkOptions, tables: [Table], notes: [String] = []) {
    self.name = name
    self.tables = tables
    self.notes = notes + (ProductKernels.shortfall.map { [$0] } ?? [])
    settings = [
      .init("threads", .integer(options.threads)), .init("cpu", .text(Provenance.processorName())),
      .init("cpu_features", .text(CPU.own.features.joined(separator: " "))),
      .init("product_kernels", .text(ProductKernels.current)), .init("vector_kernels", .text(VectorKernels.current)),
      .init("convolutions", .text(ConvolutionKernels.description)),
      .init("keys", .list(options.keys.map(JSON.text))),
    ]
  }

  /// One line of JSON: the benchmark's name, the settings, and the figures (`tables.step.air.ms_per_step_median`).
  public var line: String { json.line }

  var json: JSON {
    .object([
      .init("benchmark", .text(name)), .init("airframe", .text(airframeVersion)), .init("settings", .object(settings)),
      .init("tables", .object(tables.map { .init($0.name, $0.json) })), .init("notes", .list(notes.map(JSON.text))),
    ])
  }

  /// The result as readable text.
  public var text: String {
    let keys = settings.compactMap { setting -> String? in
      switch setting.value {
      case .list(let keys): keys.isEmpty ? nil : keys.compactMap(\.string).joined(separator: " ")
      case .text(let text): "\(setting.key) \(text)"
      default: "\(setting.key) \(setting.value.line)"
      }
    }
    let head = "\(name): \(keys.joined(separator: ", "))\n"
    let parts = [head] + tables.map { $0.text(digits: significant) }
    return parts.joined(separator: "\n") + (notes.isEmpty ? "" : "\n" + notes.map { $0 + "\n" }.joined())
  }
}

extension BenchmarkResult.Table {
  init(_ name: String, columns: [String]) { self.init(name: name, columns: columns) }

  var json: JSON {
    .object(
      rows.map { row in
        let figures = zip(columns, row.figures).compactMap { column, figure in
          figure.map { JSON.Member(column, .number(rounded($0))) }
        }
        return .init(row.name, .object(figures))
      })
  }

  /// The table as text with aligned columns.
  func text(digits: (Double) -> String) -> String {
    let cells = rows.map { row in [row.name] + row.figures.map { $0.map(digits) ?? "-" } }
    return TextTable([name] + columns, cells, alignRight: [false] + columns.map { _ in true }).description
  }
}

/// Rounds to six significant digits, which is more precise than any clock.
private func rounded(_ value: Double) -> Double {
  guard value.isFinite, value != 0 else { return value }
  let scale = pow(10, 5 - log10(abs(value)).rounded(.down))
  return (value * scale).rounded() / scale
}

/// Formats with about four significant digits. Whole numbers are not rounded.
func significant(_ value: Double) -> String {
  let size = abs(value)
  return fixed(value, size == size.rounded() || size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3)
}
