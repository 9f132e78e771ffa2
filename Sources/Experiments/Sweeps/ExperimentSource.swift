import Configuration

/// The contents of an experiment file, before the configs of its rows are read.
struct ExperimentSource {
  let loaded: Loaded<ExperimentFile>
  let rows: [Grid.Row]
  private let base: ConfigurationFiles
  private let budget: [YAMLNode]

  var file: ExperimentFile { loaded.value }

  /// Throws `ConfigurationError` for errors in the file or its base, and `RunError` if the file is a config.
  init(_ path: String, budget: String?) throws {
    if ExperimentFile.kind(of: path) == .config {
      throw RunError(
        "\(path): is a config, not an experiment, which has the keys 'base' and 'rows'; train it by `airframe train`, "
          + "without --row")
    }
    loaded = try ConfigurationFile.load(ExperimentFile.self, path: path)
    base = try Self.base(of: loaded, path)
    if loaded.tree["rows"]?.place.source == .defaults {
      throw loaded.fault("rows", "is missing; name what each run changes: { NAME: { training: { batch: 32 } } }")
    }
    rows = try Grid(loaded.value.rows).rows
    self.budget = try budget.map { [loaded] in try Self.budget($0, of: loaded) } ?? []
  }

  /// The config of a row, with the seed of the base. Throws `ConfigurationError` with all errors.
  func load(_ row: Grid.Row, overrides: [String]) throws -> Loaded<RunConfig> {
    let amendments = row.amendments + budget
    try Decided.refuse(in: amendments)
    let loaded = try ConfigurationFile.load(RunConfig.self, base, amendments: amendments, overrides: overrides)
    try Decided.refuse(in: loaded)
    try loaded.refuseMisnomer()
    return loaded
  }

  /// The config of a row with the first seed. Overrides may set another seed, and the number of threads.
  func loadFirstSeed(_ row: Grid.Row, overrides: [String]) throws -> Loaded<RunConfig> {
    let amendments = row.amendments + budget
    try Decided.refuse(in: amendments)
    var seed = YAMLNode.integer(file.seeds.first ?? 0)
    seed.place = loaded.tree["seeds"]?.elements?.first?.place ?? .defaults
    let first = try ConfigurationFile.layer(setting: "training.seed", to: seed, at: seed.place)
    return try ConfigurationFile.load(RunConfig.self, base, amendments: amendments + [first], overrides: overrides)
  }

  /// The base, relative to the folder of the file that names it. That may be a file that the experiment extends.
  private static func base(of loaded: Loaded<ExperimentFile>, _ path: String) throws -> ConfigurationFiles {
    guard !loaded.value.base.isEmpty, let node = loaded.tree["base"] else {
      throw loaded.fault("base", "is missing; name the config that rows change")
    }
    var file = path
    if case .file(let name) = node.place.source { file = name }
    let base = ConfigurationFile.path(loaded.value.base, besides: file)
    if ExperimentFile.describes(base) {
      throw loaded.fault(
        "base", "names '\(base)', which is an experiment; name a config, or begin with that experiment by 'extends'")
    }
    return try ConfigurationFiles(path: base, named: node)
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
    return try Grid.amendments(budget.value)
  }
}

/// The keys of a cell's config that are decided elsewhere, so that setting them would have no effect.
private enum Decided {
  private static let keys = [
    (
      key: "training.seed",
      reason: "is decided by 'seeds' of the experiment: name the seeds there, and leave it out here"
    ),
    (
      key: "training.threads",
      reason: "is decided by the sweep, for all cells alike: leave it out here, and say --threads N to `airframe sweep`"
    ),
  ]

  /// Throws `ConfigurationError` if rows or budgets set such a key.
  static func refuse(in amendments: [YAMLNode]) throws {
    let faults = amendments.flatMap { layer in
      keys.compactMap { decided in
        node(decided.key, in: layer).map {
          ConfigurationError.Message("'\(decided.key)' \(decided.reason)", at: $0.place)
        }
      }
    }
    guard faults.isEmpty else { throw ConfigurationError(faults) }
  }

  /// Throws `ConfigurationError` if an override sets such a key.
  static func refuse(in loaded: Loaded<RunConfig>) throws {
    let faults = keys.compactMap { decided -> ConfigurationError.Message? in
      guard let node = node(decided.key, in: loaded.tree), case .override = node.place.source else { return nil }
      return .init("'\(decided.key)' \(decided.reason)", at: node.place)
    }
    guard faults.isEmpty else { throw ConfigurationError(faults) }
  }

  private static func node(_ key: String, in tree: YAMLNode) -> YAMLNode? {
    key.split(separator: ".").reduce(Optional(tree)) { node, part in node?[String(part)] }
  }
}

/// Collects the errors of rows. An error that all rows share, such as one in the base, is reported once.
struct RowFaults {
  private var rows: [ConfigurationError.Message: [String]] = [:]
  private var order: [ConfigurationError.Message] = []
  private var attempts = 0

  /// The result of `work`, or nil if it threw a `ConfigurationError`.
  mutating func attempt<Result>(_ row: String, _ work: () throws -> Result) throws -> Result? {
    attempts += 1
    do {
      return try work()
    } catch let error as ConfigurationError {
      for message in error.messages {
        if rows[message] == nil { order.append(message) }
        rows[message, default: []].append(row)
      }
      return nil
    }
  }

  /// Throws one `ConfigurationError` with all errors, if there are any.
  func finish() throws {
    guard !order.isEmpty else { return }
    throw ConfigurationError(
      order.map { message in
        let rows = self.rows[message] ?? []
        if rows.count == attempts, attempts > 1 { return message }
        let others = rows.count > 2 ? " and \(rows.count - 1) others" : rows.count == 2 ? " and '\(rows[1])'" : ""
        return .init("\(message.text) (\(rows.count == 1 ? "row" : "rows") '\(rows[0])'\(others))", at: message.place)
      })
  }
}
