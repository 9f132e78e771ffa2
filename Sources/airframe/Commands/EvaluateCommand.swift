import Experiments

extension Command {
  static let evaluate = Command(
    name: "evaluate", summary: "measure a run on held-out scenes",
    details: "Prints one `metric value` line each and writes evaluation.json into the run.",
    words: [.run], keys: .config, options: [.split, .checkpoint, .data],
    example: "airframe evaluate runs/air-multi-mnist/seed-0 --split test", computes: true
  ) { arguments in
    let outcome = try Runner.evaluate(
      run: try arguments.one(.run), split: try split(arguments[.split] ?? "test"), step: arguments.integer(.checkpoint),
      overrides: arguments.keys, dataFolder: arguments.dataFolder)
    print("step", outcome.step)
    for score in outcome.result.scores { print(score.name, score.value) }
    for line in outcome.result.countLines { print(line) }
  }
}

extension Option {
  fileprivate static let split = Option.split(standard: "test")
}
