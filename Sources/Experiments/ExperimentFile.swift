import Configuration

/// An experiment: one base config, and rows that each change it. A set of runs that makes one table.
public struct ExperimentFile: Configurable {
  public var title = ""
  public var source = ""
  public var base = ""
  public var seeds = [0]
  public var rows = YAMLNode.map([])
  public var columns = ["nelbo", "count_accuracy"]

  public init() {}

  public static let fields: [Field<ExperimentFile>] = [
    .text("title", \.title, "what the table shows"),
    .text("source", \.source, "where the question or the published values come from"),
    .text("base", \.base, "the config that rows change, beside this file"),
    .integers("seeds", \.seeds, in: 0...(1 << 53), "training seeds of every row"),
    Field("rows", \.rows, "named sets of overrides", coding: rowCoding),
    .texts("columns", \.columns, "metrics of the table"),
  ]

  /// Rows are kept as they were written, for the base to be loaded with each; the schema knows that they are configs.
  private static let rowCoding = Coding<YAMLNode>(
    schema: ["type": "object", "additionalProperties": sectionSchema(RunConfig())], decode: { $0 }, encode: { $0 })

  /// Reads an experiment and every row's config. Throws `ConfigurationError` with the place of what is wrong.
  public static func load(_ path: String) throws -> (file: ExperimentFile, rows: [(name: String, config: RunConfig)]) {
    let loaded = try ConfigurationFile.load(ExperimentFile.self, path: path)
    let file = loaded.value
    guard !file.base.isEmpty else { throw loaded.fault("base", "is missing; name the config that rows change") }
    guard let entries = file.rows.entries, !entries.isEmpty else {
      throw loaded.fault("rows", "must hold at least one named set of overrides")
    }
    let base = ConfigurationFile.path(file.base, besides: path)
    let rows = try entries.map { entry in
      (entry.key, try ConfigurationFile.load(RunConfig.self, path: base, amendments: [entry.value]).value)
    }
    return (file, rows)
  }

  /// The names of the rows in a file; none where it cannot be read or is no experiment.
  static func rows(of path: String) -> [String] {
    (try? ConfigurationFile.load(ExperimentFile.self, path: path))?.value.rows.entries?.map(\.key) ?? []
  }

  /// The config of one row, with overrides on top, and the place of every value. Throws where there is no such row.
  static func loaded(_ path: String, row: String, overrides: [String]) throws -> Loaded<RunConfig> {
    let loaded = try ConfigurationFile.load(ExperimentFile.self, path: path)
    guard let entry = loaded.value.rows.entries?.first(where: { $0.key == row }) else {
      let names = (loaded.value.rows.entries ?? []).map(\.key).joined(separator: ", ")
      throw loaded.fault("rows", "has no row '\(row)' (rows: \(names))")
    }
    let base = ConfigurationFile.path(loaded.value.base, besides: path)
    return try ConfigurationFile.load(RunConfig.self, path: base, amendments: [entry.value], overrides: overrides)
  }
}
