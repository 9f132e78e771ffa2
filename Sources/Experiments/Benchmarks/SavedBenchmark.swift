import Configuration
import Pictures

/// An earlier result of a benchmark, as printed by `--json`.
public struct SavedBenchmark {
  private let path: String
  private let settings: JSON
  private let tables: JSON

  /// Reads a saved result. Throws `FileError` if the file cannot be read, and `RunError` if it does not hold a result
  /// of that benchmark.
  public init(_ path: String, of name: String) throws {
    self.path = path
    let bytes = try readFile(path)
    let json: JSON
    do {
      json = try JSON(parsing: bytes)
    } catch {
      throw RunError("\(path): is not JSON (\(error)); save one with `airframe bench \(name) --json > FILE`")
    }
    guard let saved = json["benchmark"]?.string, let tables = json["tables"], let settings = json["settings"] else {
      throw RunError("\(path): is not the result of a benchmark; save one with `airframe bench \(name) --json > FILE`")
    }
    guard saved == name else {
      throw RunError("\(path): holds a result of '\(saved)', not of '\(name)'; compare with `airframe bench \(saved)`")
    }
    guard case .object(let members) = tables, !members.isEmpty else {
      throw RunError("\(path): holds no figures; save some with `airframe bench \(name) --json > FILE`")
    }
    (self.settings, self.tables) = (settings, tables)
  }

  /// Divides every figure of a new result by the saved one. Tables and rows that the saved result lacks are omitted.
  public func ratios(of result: BenchmarkResult) -> [BenchmarkResult.Table] {
    result.tables.compactMap { table in
      guard let saved = tables[table.name] else { return nil }
      let rows = table.rows.compactMap { row -> BenchmarkResult.Row? in
        guard let before = saved[row.name] else { return nil }
        let ratios = zip(table.columns, row.figures).map { column, figure -> Double? in
          guard let figure, let old = before[column]?.double, old != 0 else { return nil }
          return figure / old
        }
        return .init(name: row.name, figures: ratios)
      }
      return rows.isEmpty ? nil : .init(name: table.name, columns: table.columns, rows: rows)
    }
  }

  /// The settings in which the two results differ, such as the number of threads.
  public func differences(to result: BenchmarkResult) -> [String] {
    result.settings.compactMap { setting in
      let old = settings[setting.key]
      return old == setting.value ? nil : "\(setting.key) \(setting.value.line), then \(old?.line ?? "unknown")"
    }
  }

  /// The new result as one line of JSON, with the ratios under `ratios`.
  public func line(comparedTo result: BenchmarkResult) -> String {
    var json = result.json
    json["ratios"] = .object(ratios(of: result).map { .init($0.name, $0.json) })
    return json.line
  }

  /// The ratios as readable text, with a warning if the settings differ.
  public func text(comparedTo result: BenchmarkResult) -> String {
    let differences = differences(to: result)
    let head =
      "now / then (\(path))"
      + (differences.isEmpty ? "" : "; they differ: " + differences.joined(separator: "; ")) + "\n"
    let tables = ratios(of: result).map { $0.text { fixed($0, 3) } }
    return ([head] + (tables.isEmpty ? ["no figure is in both\n"] : tables)).joined(separator: "\n")
  }
}
