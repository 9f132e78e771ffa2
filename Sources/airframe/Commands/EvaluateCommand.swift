import Experiments

extension Command {
  static let evaluate = Command(
    name: "evaluate", summary: "measure a run on held-out scenes",
    details: """
      Prints one `metric value` line each and keeps the result in the run's folder. With key=value, or on data that
      the run was not trained on, the result answers "what if": it is kept apart, and tables do not show it.
      """,
    words: [.run], keys: .config, options: [.split, .checkpoint, .listing, .data],
    example: "airframe evaluate runs/air-multi-mnist/seed-0 --split test", computes: true
  ) { arguments in
    if arguments.has(.listing) {
      return try print(Runner.evaluations(of: try arguments.one(.run)), terminator: "")
    }
    let outcome = try Runner.evaluate(
      run: try arguments.one(.run), split: try split(arguments[.split] ?? "test"), step: arguments.integer(.checkpoint),
      overrides: arguments.keys, dataFolder: arguments.dataFolder)
    // The result is printed even if it cannot be saved, and saved even if it cannot be printed.
    let showing = Result { try show(outcome) }
    if !outcome.evaluation.isOwn {
      let changes = outcome.evaluation.changes.map { "\($0.key)=\($0.value.line)" }.joined(separator: " ")
      writeToStandardError(
        "not the run's own result (\(changes.isEmpty ? "the data is not that of the training" : changes)): "
          + "tables and lists do not show it\n")
    }
    try outcome.keep()
    try showing.get()
  }

  private static func show(_ outcome: Runner.Evaluated) throws {
    try print("step", outcome.evaluation.step)
    for score in outcome.result.scores { try print(score.name, score.value) }
    for line in outcome.result.countLines { try print(line) }
  }
}

extension Option {
  fileprivate static let split = Option.split(standard: "test")
  fileprivate static let listing = Option(
    flag: "list", "list all evaluations that the run's folder holds, and measure nothing")
}
