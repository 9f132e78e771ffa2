import Configuration

/// An experiment: one base config, rows that each change it, and seeds. A set of runs that makes one table.
public struct ExperimentFile: Configurable {
  public var title = ""
  public var source = ""
  public var base = ""
  public var seeds = [0]
  public var rows = YAMLNode.map([])
  public var budgets = YAMLNode.map([])
  public var columns = ["nelbo", "count_accuracy"]

  public init() {}

  public static let fields: [Field<ExperimentFile>] = [
    .text("title", \.title, "what the table shows"),
    .text("source", \.source, "where the question or the published values come from"),
    .text("base", \.base, "the config that rows change, beside this file"),
    .integers("seeds", \.seeds, in: 0...(1 << 53), "training seeds of every row"),
    Field("rows", \.rows, "named sets of overrides, or grids that build them", coding: .yaml),
    Field("budgets", \.budgets, "named sets of overrides for whole experiments: quick, full", coding: .yaml),
    .texts("columns", \.columns, "metrics of the table"),
  ]

  public func problems() -> [Problem] {
    if seeds.isEmpty { return [Problem(key: "seeds", "is empty; name at least one seed")] }
    if Set(seeds).count < seeds.count { return [Problem(key: "seeds", "holds a seed twice")] }
    return []
  }

  /// The names of the rows in a file; none where it cannot be read or is no experiment.
  static func rows(of path: String) -> [String] {
    guard let loaded = try? ConfigurationFile.load(ExperimentFile.self, path: path) else { return [] }
    return (try? Grid(loaded.value.rows))?.rows.map(\.name) ?? []
  }
}
