import Configuration
import Models

/// What a person can ask about a config without training it.
public struct ConfigReading {
  private let loaded: Loaded<RunConfig>

  /// A config file, or one row of an experiment file, with overrides on top.
  /// Throws `ConfigurationError`, and `RunError` for an experiment without a row.
  public init(_ path: String, row: String? = nil, _ overrides: [String]) throws {
    if let row {
      loaded = try Experiment.row(row, of: path, overrides: overrides)
      return
    }
    do {
      loaded = try ConfigurationFile.load(RunConfig.self, path: path, overrides: overrides)
    } catch let error as ConfigurationError {
      let rows = ExperimentFile.rows(of: path)
      if rows.isEmpty { throw error }
      throw RunError(
        "\(path): is an experiment; choose one of its rows by --row (rows: \(rows.joined(separator: ", ")))")
    }
  }

  /// Reads a config file, or a row of an experiment file, or all of its rows, and says that it is fine.
  /// Throws what is not.
  public static func verdict(_ path: String, row: String?, _ overrides: [String]) throws -> String {
    let rows = row == nil ? ExperimentFile.rows(of: path) : []
    guard !rows.isEmpty else {
      try ConfigReading(path, row: row, overrides).refuseMisnomer()
      return "\(path): fine"
    }
    for row in rows { try ConfigReading(path, row: row, overrides).refuseMisnomer() }
    return "\(path): fine, with \(rows.count == 1 ? "its row" : "all of its \(rows.count) rows")"
  }

  /// The defaults, with overrides on top. Throws `ConfigurationError`.
  public init(defaultsWith overrides: [String]) throws {
    loaded = try ConfigurationFile.load(RunConfig.self, text: "", name: "defaults", overrides: overrides)
  }

  public var config: RunConfig { loaded.value }

  /// Throws `ConfigurationError` for a model that is not what its name says. Runs that are there are read all the same.
  func refuseMisnomer() throws { try loaded.refuseMisnomer() }

  /// Every key with its value, as YAML that loads back to the same config.
  public var text: String { ConfigurationFile.encode(loaded.value) }

  /// The dotted name of every key.
  public var keys: [String] { loaded.keys }

  /// Where the value of a key comes from, or the values of a section; an empty key means everything.
  /// Throws `ConfigurationError` for a key that the config does not have.
  public func explanation(of key: String) throws -> String { try loaded.explain(key) }

  /// The JSON schema (draft-07) of configs: `docs/airframe.schema.json`.
  public static var schema: String { ConfigurationFile.schema(for: RunConfig.self, title: "Airframe config") }

  /// The JSON schema (draft-07) of experiment files: `docs/experiment.schema.json`.
  public static var experimentSchema: String {
    ConfigurationFile.schema(for: ExperimentFile.self, title: "Airframe experiment")
  }
}

extension Loaded where Value == RunConfig {
  /// Throws `ConfigurationError` for a model that bears the name of a paper's without being that.
  func refuseMisnomer() throws {
    if let words = misnomer(value.model, regularizers: value.regularizers) { throw fault("model.name", words) }
  }
}
