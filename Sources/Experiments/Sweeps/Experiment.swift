import Configuration

/// An experiment file with all its runs. The config of each run has been read and checked.
public struct Experiment {
  /// One run: a row of the experiment with one seed.
  public struct Cell: Sendable {
    public let row: String
    public let seed: Int
    public internal(set) var config: RunConfig
    /// A hash of the whole config, as 16 hexadecimal digits.
    public var hash: String { Provenance.hash(config) }
    /// The path of its folder, relative to that of the experiment: `wide/seed-0`.
    public var place: String { "\(row)/seed-\(seed)" }
  }

  public let path: String
  public let file: ExperimentFile
  /// The names of the rows, in order.
  public let rows: [String]
  /// The cells in the order of the rows, and within a row in the order of the seeds.
  public let cells: [Cell]

  /// Reads a file and the config of every cell. `budget` is the name of one of the file's budgets. `overrides` take
  /// precedence over everything else.
  ///
  /// Throws `ConfigurationError` with all errors. Each message names the row that cannot be used, the key and the
  /// position in the experiment file. Two rows with the same config are an error, too, because they would be one run
  /// under two names. Throws `RunError` for a file that is a config.
  public init(_ path: String, budget: String? = nil, overrides: [String] = []) throws {
    let source = try ExperimentSource(path, budget: budget)
    let (file, rows) = (source.file, source.rows)
    try GridLimits.require(rows: rows.count, seeds: file.seeds.count, at: file.rows)
    var configs: [RunConfig] = []
    var faults = RowFaults()
    for row in rows {
      // The seed is set later, so that an error in a row is reported once and not for every seed.
      if let loaded = try faults.attempt(row.name, { try source.load(row, overrides: overrides) }) {
        configs.append(loaded.value)
      }
    }
    try faults.finish()
    try Experiment.refuseRepetitions(rows, configs, at: file.rows)
    (self.path, self.file, self.rows) = (path, file, rows.map(\.name))
    cells = zip(rows, configs).flatMap { row, config in
      file.seeds.map { seed in
        var config = config
        config.training.seed = seed
        return Cell(row: row.name, seed: seed, config: config)
      }
    }
    _ = try published()
  }

  /// The name of the experiment in folders, derived from the name of its file.
  public var name: String { FolderName.of(file: path) }

  /// The config of one row with the experiment's first seed and overrides applied, with the origin of every value. This
  /// is the first run that a sweep trains for the row.
  ///
  /// Throws `ConfigurationError` if there is no such row or it cannot be used, and `RunError` if the file is a config.
  static func row(
    _ row: String, of path: String, budget: String? = nil, overrides: [String]
  ) throws -> Loaded<RunConfig> {
    let source = try ExperimentSource(path, budget: budget)
    guard let found = source.rows.first(where: { $0.name == row }) else {
      let names = source.rows.map(\.name)
      throw source.loaded.fault("rows", "has no row '\(row)'\(suggestion(for: row, among: names)) (\(listed(names)))")
    }
    var faults = RowFaults()
    let loaded = try faults.attempt(row) { try source.loadFirstSeed(found, overrides: overrides) }
    try faults.finish()
    guard let loaded else { preconditionFailure("a row without faults was not read") }
    return loaded
  }

  /// The names of the rows as `rows: a, b, c`. Of many rows, only the first are listed.
  static func listed(_ rows: [String]) -> String {
    "rows: \(rows.prefix(20).joined(separator: ", "))" + (rows.count > 20 ? ", ... and \(rows.count - 20) more" : "")
  }

  private static func refuseRepetitions(_ rows: [Grid.Row], _ configs: [RunConfig], at node: YAMLNode) throws {
    var first: [String: String] = [:]
    var faults: [ConfigurationError.Message] = []
    for (row, config) in zip(rows, configs) {
      guard let other = first.updateValue(row.name, forKey: Provenance.hash(config)) else { continue }
      let words = "rows '\(other)' and '\(row.name)' are the same config: they would be the same run twice"
      faults.append(.init(words, at: node.place))
    }
    guard faults.isEmpty else { throw ConfigurationError(faults) }
  }
}
