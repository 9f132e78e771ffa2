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
  /// Throws `RunError` for a file that is a config.
  public init(_ path: String, budget: String? = nil, overrides: [String] = []) throws {
    let source = try ExperimentSource(path, budget: budget)
    let (file, rows) = (source.file, source.rows)
    try GridLimits.require(rows: rows.count, seeds: file.seeds.count, at: file.rows)
    var configs: [RunConfig] = []
    var faults = RowFaults()
    for row in rows {
      // Without a seed: a fault in a row is told once, not for every seed.
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

  /// What rows and cells are called above all runs: the file's name.
  public var name: String { FolderName.of(file: path) }

  /// The config of one row with the first of the experiment's seeds, overrides on top, and the place of every value: what a
  /// sweep trains first of the row. Throws where there is no such row.
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

  /// `rows: a, b, c`, of many rows the first.
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
