import Configuration

/// Limits for building the rows of an experiment, checked before anything is built. A few lines of a grid can ask for
/// an astronomical number of rows.
struct GridLimits {
  /// The largest number of cells (rows times seeds) of an experiment. Reading and checking that many takes a few
  /// seconds.
  static let cells = 10_000
  /// The largest number of bytes in a row's name. The name is used for a folder, and with a seed for a file. A file
  /// system allows 255.
  private static let name = 200
  /// The largest numbers of rows built in all intermediate steps, including those excluded later, and of values set by
  /// them.
  private static let rows = 50_000
  private static let values = 500_000
  /// The largest number of comparisons between rows and exclusions.
  private static let comparisons = 1_000_000

  private var rowsLeft = rows
  private var valuesLeft = values

  /// Throws `ConfigurationError` if the product of these row counts is larger than an experiment can be.
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

  /// Counts rows and values that are built. Throws `ConfigurationError` if there are more than any experiment needs.
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

  /// Throws `ConfigurationError` for too many comparisons.
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
