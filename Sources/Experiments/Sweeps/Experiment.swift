import Configuration

/// An experiment file with every run it asks for, each one's config read and checked.
public struct Experiment {
  /// One run: a row with a seed.
  public struct Cell: Sendable {
    public let row: String
    public let seed: Int
    public internal(set) var config: RunConfig
    /// 16 hexadecimal digits of the whole config.
    public var hash: String { Provenance.hash(config) }
    /// Where its folder stands below that of the experiment: `wide/seed-0`.
    public var place: String { "\(row)/seed-\(seed)" }
  }

  public let path: String
  public let file: ExperimentFile
  /// Names of the rows, in their order.
  public let rows: [String]
  /// Row after row, and within one seed after seed.
  public let cells: [Cell]

  /// Reads a file and the config of every cell. `budget` is one of the file's; `overrides` stand above all else.
  ///
  /// Throws `ConfigurationError` with every fault: a cell that cannot be used is named, with the key and the place in the
  /// experiment file. Two cells with one config are a fault too: they would be one run under two names.
  public init(_ path: String, budget: String? = nil, overrides: [String] = []) throws {
    let loaded = try ConfigurationFile.load(ExperimentFile.self, path: path)
    let file = loaded.value
    guard !file.base.isEmpty else { throw loaded.fault("base", "is missing; name the config that rows change") }
    let base = ConfigurationFile.path(file.base, besides: path)
    let rows = try Grid(file.rows).rows
    let limits = try budget.map { try Experiment.budget($0, of: loaded) } ?? []

    var cells: [Cell] = []
    var faults: [ConfigurationError.Message] = []
    for row in rows {
      do {
        // The row alone first: a fault in it is told once, not for every seed.
        let read = { (extra: [YAMLNode]) in
          try ConfigurationFile.load(
            RunConfig.self, path: base, amendments: row.amendments + limits + extra, overrides: overrides)
        }
        let loaded = try read([])
        try loaded.refuseMisnomer()
        var config = loaded.value
        for seed in file.seeds {
          config.training.seed = seed
          cells.append(Cell(row: row.name, seed: seed, config: config))
        }
      } catch let error as ConfigurationError {
        faults += error.messages.map { .init("\($0.text) (row '\(row.name)')", at: $0.place) }
      }
    }
    guard faults.isEmpty else { throw ConfigurationError(faults) }
    var first: [String: String] = [:]
    for cell in cells {
      guard let other = first.updateValue(cell.row, forKey: cell.hash) else { continue }
      let words = "rows '\(other)' and '\(cell.row)' are the same config: they would be the same run twice"
      faults.append(.init(words, at: file.rows.place))
    }
    guard faults.isEmpty else { throw ConfigurationError(faults) }
    (self.path, self.file, self.rows, self.cells) = (path, file, rows.map(\.name), cells)
    _ = try published()
  }

  /// What rows and cells are called above all runs: the file's name.
  public var name: String { Runner.stem(of: path) }

  /// The config of one row, with overrides on top, and the place of every value. Throws where there is no such row.
  static func row(_ row: String, of path: String, overrides: [String]) throws -> Loaded<RunConfig> {
    let loaded = try ConfigurationFile.load(ExperimentFile.self, path: path)
    let rows = try Grid(loaded.value.rows).rows
    guard let found = rows.first(where: { $0.name == row }) else {
      throw loaded.fault(
        "rows",
        "has no row '\(row)'\(suggestion(for: row, among: rows.map(\.name))) (rows: \(rows.map(\.name).joined(separator: ", ")))"
      )
    }
    let base = ConfigurationFile.path(loaded.value.base, besides: path)
    return try ConfigurationFile.load(
      RunConfig.self, path: base, amendments: found.amendments, overrides: overrides)
  }

  private static func budget(_ name: String, of loaded: Loaded<ExperimentFile>) throws -> [YAMLNode] {
    let budgets = loaded.value.budgets.entries ?? []
    guard let budget = budgets.first(where: { $0.key == name }) else {
      let names = budgets.isEmpty ? "there are none" : "budgets: \(budgets.map(\.key).joined(separator: ", "))"
      throw loaded.fault("budgets", "has no '\(name)' (\(names))")
    }
    guard budget.value.entries != nil else {
      throw budget.value.fault("must be a set of overrides: { training: { steps: 2000 } }")
    }
    return Grid.amendments(budget.value)
  }
}
