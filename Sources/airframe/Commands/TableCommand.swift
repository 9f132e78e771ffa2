import Experiments

extension Command {
  static let table = Command(
    name: "table", summary: "show an experiment's results next to the paper's",
    details: """
      Mean and standard deviation over seeds, with the number of seeds; failed, collapsed and unfinished ones are
      counted in every cell. Values come from the folders that `airframe sweep` left.
      """,
    words: [.experiment], keys: .config,
    options: [.out, .format, .select, .split, .seedsFile, .replace, .compare, .budget],
    example: "airframe table experiments/air-background.yaml --format markdown"
  ) { arguments in
    // An existing file of seeds, from this or another sweep, may be replaced.
    let seedsFile = try arguments.output(
      .seedsFile, as: [.csv], replacing: .fileThatBegins(with: ResultTable.headOfSeeds))
    let experiment = try Experiment(
      try arguments.one(.experiment), budget: arguments[.budget], overrides: arguments.keys)
    let table = try ResultTable(
      experiment, base: arguments[.out] ?? "runs",
      selection: arguments[.select].flatMap(ResultTable.Selection.init) ?? .final, split: arguments[.split] ?? "test")
    var comparison = ""
    if let words = arguments[.compare] {
      let rows = try NameList.names(in: words, among: experiment.rows, option: "--compare", kind: "row")
      guard rows.count == 2 else {
        throw arguments.fault("--compare '\(words)': two rows are wanted: --compare ROW,ROW")
      }
      comparison = "\n" + (try table.comparison(of: rows[0], with: rows[1]))
    }
    let format = arguments[.format].flatMap(ResultTableFormat.init) ?? .text
    if !comparison.isEmpty, format != .text { throw arguments.fault("--compare goes with --format text") }
    try seedsFile?.write(table.csvOfSeeds.bytes)
    try print(table.text(as: format) + comparison, terminator: "")
  }
}

extension Option {
  fileprivate static let out = Option("out", "DIR", .folder, "where the folders of runs are", standard: "runs")
  fileprivate static let format = Option(
    "format", "FORMAT", .choice(ResultTableFormat.allCases.map(\.rawValue)), "how the table is written",
    standard: "text")
  fileprivate static let select = Option(
    "select", "RULE", .choice(ResultTable.Selection.allCases.map(\.rawValue)),
    "the checkpoint that counts (best: on validation scenes)", standard: "final")
  fileprivate static let split = Option(
    "split", "SPLIT", .choice(["test", "validation"]), "which scenes", standard: "test")
  fileprivate static let compare = Option(
    "compare", "ROW,ROW", .text,
    "paired tests (Student's t, Wilcoxon) of two rows over their common seeds;\nnames with a comma in quotes")
  fileprivate static let seedsFile = Option(
    "seeds-file", "FILE.csv", .file(ending: "csv"), "write every seed's values there, too")
}
