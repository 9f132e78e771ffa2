import Configuration

/// What building the rows of an experiment may cost; asked before anything is built. A few lines of a grid can ask for more
/// rows than there are atoms.
struct GridLimits {
  /// Cells of an experiment: rows times seeds. To read and check so many takes a few seconds.
  static let cells = 10_000
  /// Bytes of a row's name. It names a folder, and with a seed behind it a file; a file system allows 255.
  private static let name = 200
  /// Rows that are built on the way, those excluded later counted too, and values that all of them set together.
  private static let rows = 50_000
  private static let values = 500_000
  /// Comparisons of rows with what is excluded.
  private static let comparisons = 1_000_000

  private var rowsLeft = rows
  private var valuesLeft = values

  /// Throws `ConfigurationError` where all combinations of so many rows each are more than an experiment has.
  func require(product counts: [Int], at node: YAMLNode) throws {
    var product = 1
    for count in counts {
      let (result, overflows) = product.multipliedReportingOverflow(by: count)
      product = overflows ? .max : result
    }
    guard product > GridLimits.cells else { return }
    let words = counts.count > 12 ? "\(counts.count) grids" : counts.map(String.init).joined(separator: " x ")
    throw node.fault(
      "asks for all combinations of \(words), more than the \(GridLimits.cells) rows that an experiment can have; name fewer "
        + "values, or draw some of them by { random: ... }")
  }

  /// Throws `ConfigurationError` where more is built than any experiment needs.
  mutating func spend(rows: Int, values: Int, at node: YAMLNode) throws {
    (rowsLeft, valuesLeft) = (rowsLeft - rows, valuesLeft - values)
    if rowsLeft < 0 {
      throw node.fault("builds more than \(GridLimits.rows) rows, those excluded later counted too; name fewer values")
    }
    if valuesLeft < 0 {
      throw node.fault("sets more than \(GridLimits.values) values in all rows together; name fewer")
    }
  }

  /// Throws `ConfigurationError` for a name that is too long for a folder.
  static func require(name: String, at node: YAMLNode) throws {
    guard name.utf8.count > self.name else { return }
    throw node.fault(
      "has a row whose name has \(name.utf8.count) bytes ('\(name.prefix(60))...'); it names a folder, and can have "
        + "\(self.name) at most: name rows yourself, { NAME: { ... } }")
  }

  /// Throws `ConfigurationError` where there is too much to compare.
  static func require(exclusions: Int, rows: Int, at node: YAMLNode) throws {
    guard exclusions * rows > comparisons else { return }
    throw node.fault(
      "compares \(exclusions) sets of values with \(rows) rows, more than \(comparisons) pairs; exclude less, or build "
        + "fewer rows")
  }

  /// Throws `ConfigurationError` for more cells than an experiment can have.
  static func require(rows: Int, seeds: Int, at node: YAMLNode) throws {
    guard rows * seeds > cells else { return }
    throw node.fault(
      "has \(rows) rows, with \(seeds) \(seeds == 1 ? "seed" : "seeds") each \(rows * seeds) cells; an experiment can have "
        + "\(cells): name fewer, or make several experiments of it")
  }
}
