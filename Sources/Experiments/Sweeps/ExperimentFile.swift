import Configuration

/// An experiment is a set of runs for one table: a base config, rows that each change it, and seeds.
public struct ExperimentFile: Configurable {
  public var title = ""
  public var source = ""
  public var base = ""
  public var seeds = [0]
  public var rows = YAMLNode.map([])
  public var budgets = YAMLNode.map([])
  public var columns = ["nelbo", "count_accuracy"]
  public var paper = YAMLNode.map([])
  public var slurm = SlurmSettings()

  public init() {}

  public static let fields: [Field<ExperimentFile>] = [
    .text("title", \.title, "what the table shows"),
    .text("source", \.source, "where the question or the published values come from"),
    .text("base", \.base, "the config that rows change, relative to this file"),
    .integers("seeds", \.seeds, in: 0...(1 << 53), "training seeds of every row"),
    Field("rows", \.rows, "named sets of overrides, or grids that build them", coding: grid),
    Field("budgets", \.budgets, "named sets of overrides for whole experiments: quick, full", coding: kept(overrides)),
    .texts("columns", \.columns, "metrics of the table"),
    Field("paper", \.paper, "published values by row and column, with deviations: 0.81 +- 0.23", coding: kept(values)),
    .section("slurm", \.slurm, "what --launcher slurm asks for"),
  ]

  /// The names of all metrics, and of the values that runs have from the start.
  static let known = Evaluator.measures.map(\.name) + ["parameters"]

  /// A value that is stored as it was written, and later applied on top of the base. Only the schema describes its
  /// form.
  private static func kept(_ schema: JSON) -> Coding<YAMLNode> {
    Coding(schema: schema, decode: { $0 }, encode: { $0 })
  }

  private static let values: JSON = ["type": "object", "additionalProperties": ["type": "object"]]

  private static let overrides: JSON = ["type": "object", "additionalProperties": sectionSchema(RunConfig())]

  /// The forms of a `Grid`.
  private static let grid = kept([
    "type": "object",
    "properties": [
      "product": ["type": "array"], "zip": ["type": "array"], "list": ["type": "array"], "exclude": ["type": "array"],
      "random": ["type": "object"],
    ],
    "additionalProperties": ["anyOf": [row, ["type": "array"]]],
  ])

  /// The keys of a row may be dotted.
  private static var row: JSON {
    var schema = sectionSchema(RunConfig())
    schema["patternProperties"] = ["[.]": [:]]
    return schema
  }

  public func problems() -> [Problem] {
    if seeds.isEmpty { return [Problem(key: "seeds", "is empty; name at least one seed")] }
    if columns.isEmpty { return [Problem(key: "columns", "is empty; name at least one metric")] }
    if let column = columns.first(where: { !ExperimentFile.known.contains($0) }) {
      return [
        Problem(
          key: "columns",
          "has '\(column)', which no run measures\(suggestion(for: column, among: ExperimentFile.known)) "
            + "(there are \(ExperimentFile.known.joined(separator: ", ")))")
      ]
    }
    if Set(seeds).count < seeds.count { return [Problem(key: "seeds", "holds a seed twice")] }
    return []
  }

  /// Whether a file is an experiment and not a config, even if it has errors. The keys at its top level decide, or
  /// those of the files that it extends if it has none.
  static func describes(_ path: String) -> Bool { kind(of: path) == .experiment }

  enum Kind { case experiment, config }

  /// Nil if no key decides.
  static func kind(of path: String) -> Kind? {
    let (own, others) = (Set(ExperimentFile.fields.map(\.key)), Set(RunConfig.fields.map(\.key)))
    for keys in ConfigurationFile.topLevelKeys(path: path) {
      let (experiment, config) = (keys.filter(own.contains).count, keys.filter(others.contains).count)
      if experiment != config { return experiment > config ? .experiment : .config }
      if experiment > 0 { return keys.contains("base") || keys.contains("rows") ? .experiment : .config }
    }
    return nil
  }
}
