import Configuration
import Models

/// A config as users inspect it, without training.
public struct ConfigReading {
  private let loaded: Loaded<RunConfig>

  /// Reads a config file, or one row of an experiment file with its first seed, and applies a budget and overrides.
  ///
  /// Throws `ConfigurationError`, and `RunError` for an experiment without a row, or for a config with a row or a
  /// budget.
  public init(_ path: String, row: String? = nil, budget: String? = nil, _ overrides: [String]) throws {
    if let row {
      loaded = try Experiment.row(row, of: path, budget: budget, overrides: overrides)
      return
    }
    if ExperimentFile.describes(path) {
      let rows = (try? ExperimentSource(path, budget: nil))?.rows.map(\.name)
      throw RunError(
        "\(path): is an experiment; choose one of its rows by --row"
          + (rows.map { " (\(Experiment.listed($0)))" } ?? ""))
    }
    if budget != nil { throw RunError("\(path): is a config; only an experiment has budgets, so leave --budget out") }
    loaded = try ConfigurationFile.load(RunConfig.self, path: path, overrides: overrides)
  }

  /// Checks a config file, a row of an experiment file, or a whole experiment as a sweep reads it. Returns a message
  /// that it is valid.
  ///
  /// Throws an error if it is not valid.
  public static func verdict(
    _ path: String, row: String? = nil, budget: String? = nil, _ overrides: [String]
  ) throws -> String {
    guard row == nil, ExperimentFile.describes(path) else {
      try ConfigReading(path, row: row, budget: budget, overrides).refuseMisnomer()
      return "\(path): fine"
    }
    let rows = try Experiment(path, budget: budget, overrides: overrides).rows
    return "\(path): fine, with \(rows.count == 1 ? "its row" : "all of its \(rows.count) rows")"
  }

  /// The defaults, with overrides applied. Throws `ConfigurationError`.
  public init(defaultsWith overrides: [String]) throws {
    loaded = try ConfigurationFile.load(RunConfig.self, text: "", name: "defaults", overrides: overrides)
  }

  public var config: RunConfig { loaded.value }

  /// Throws `ConfigurationError` for a model whose name claims a paper's model that it is not. Existing runs with such
  /// a config can still be read.
  func refuseMisnomer() throws { try loaded.refuseMisnomer() }

  /// Every key with its value, as YAML that loads to the same config.
  public var text: String { ConfigurationFile.encode(loaded.value) }

  /// The dotted names of all keys.
  public var keys: [String] { loaded.keys }

  /// Reports where the value of a key, or the values of a section, come from. An empty key means the whole config.
  ///
  /// Throws `ConfigurationError` for an unknown key.
  public func explanation(of key: String) throws -> String { try loaded.explain(key) }

  /// The JSON schema (draft-07) of configs: `docs/airframe.schema.json`.
  public static var schema: String { ConfigurationFile.schema(for: RunConfig.self, title: "Airframe config") }

  /// The JSON schema (draft-07) of experiment files: `docs/experiment.schema.json`.
  public static var experimentSchema: String {
    ConfigurationFile.schema(for: ExperimentFile.self, title: "Airframe experiment")
  }
}

extension Loaded where Value == RunConfig {
  /// Throws `ConfigurationError` for a model that has the name of a paper's model but differs from it.
  func refuseMisnomer() throws {
    if let words = misnomer(value.model, regularizers: value.regularizers) { throw fault("model.name", words) }
  }
}
