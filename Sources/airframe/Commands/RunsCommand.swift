import Experiments

extension Command {
  static let runs = Command(
    name: "runs", summary: "list and compare runs",
    details: """
      Lists the runs below FOLDER, read from their folders: name, status, step, config and results.
      A key is run, status (running, finished, failed, interrupted, killed, unknown), step, reason, any key of
      a config (training.seed), a metric on validation scenes (nelbo, count_accuracy, best.step), or one of
      evaluation.json (test.nelbo). What could not be read is told on stderr.
      """,
    words: [.folder],
    keys: Keys(
      meaning: "only runs with this value: status=failed model.name=air; a repeated key may have any of its values"),
    options: [.sort, .columns, .listFormat], example: "airframe runs runs status=finished --sort -count_accuracy",
    actions: [runsDifference]
  ) { arguments in
    let folder = arguments.first(.folder) ?? "runs"
    var listing = try RunListing(below: folder)
    let found = listing.runs.count
    try listing.keep(arguments.keys)
    if let order = arguments[.sort] { try listing.sort(by: order) }
    let columns = try listing.columns(arguments[.columns], conditions: arguments.keys, order: arguments[.sort])
    let format = arguments[.listFormat].flatMap(RunListFormat.init) ?? .text
    if !listing.runs.isEmpty || format != .text { try print(listing.text(columns, as: format), terminator: "") }
    for problem in listing.problems { writeToStandardError("warning: \(problem)\n") }
    if listing.runs.isEmpty {
      writeToStandardError(
        found == 0 ? "no runs below \(folder)\n" : "none of the \(found) runs below \(folder) is like that\n")
    }
  }

  private static let runsDifference = Command(
    name: "diff", summary: "what differs between two runs, and what came out of each",
    details:
      "The keys of the configs that differ, differences of CPU, versions and code, and all results side by side.",
    words: [.first, .second], options: [.differenceFormat],
    example: "airframe runs diff runs/air-multi-mnist/seed-0 runs/air-multi-mnist/seed-1"
  ) { arguments in
    let difference = try RunDifference(try arguments.one(.first), try arguments.one(.second))
    try print(arguments[.differenceFormat] == "json" ? difference.json : difference.text, terminator: "")
  }
}

extension Word {
  fileprivate static let folder = Word(
    "FOLDER", .folder, "the folder with the runs, at any depth; runs if not given", count: .optional)
  fileprivate static let first = Word("RUN", .run, "the folder of a run")
  fileprivate static let second = Word("OTHER", .run, "the folder of another one")
}

extension Option {
  fileprivate static let sort = Option(
    "sort", "KEY", .text, "by a key, from the smallest up; -KEY from the largest down", standard: "run")
  fileprivate static let columns = Option(
    "columns", "KEY,...", .text, "what is shown of each run; all for everything",
    standard: "a few keys, and those asked for")
  fileprivate static let listFormat = Option(
    "format", "FORMAT", .choice(RunListFormat.allCases.map(\.rawValue)), "how the list is written", standard: "text")
  fileprivate static let differenceFormat = Option(
    "format", "FORMAT", .choice(["text", "json"]), "how the differences are written", standard: "text")
}
