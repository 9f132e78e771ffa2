import Experiments

extension Command {
  static let figure = Command(
    name: "figure", summary: "draw what runs measured", example: curves.example, actions: [curves])

  private static let curves = Command(
    name: "curves", summary: "learning curves of runs on validation scenes",
    details: "A metric against training steps, on validation scenes; --out or --csv must be given.",
    words: [.runs], options: [.metric, .out, .csv],
    example: "airframe figure curves runs/air-multi-mnist/seed-* --out curves.png --csv curves.csv"
  ) { arguments in
    guard arguments[.out] != nil || arguments[.csv] != nil else { throw arguments.fault("--out or --csv is missing") }
    try Curves.write(
      runs: arguments.all(.runs), metric: arguments[.metric] ?? "count_accuracy", picture: arguments[.out],
      table: arguments[.csv])
  }
}

extension Word {
  fileprivate static let runs = Word("RUN", .run, "the folders of runs", count: .oneOrMore)
}

extension Option {
  fileprivate static let metric = Option(
    "metric", "NAME", .text, "a metric of the run's metrics.jsonl", standard: "count_accuracy")
  fileprivate static let out = Option("out", "FILE.png", .file(ending: "png"), "write the picture here")
  fileprivate static let csv = Option("csv", "FILE.csv", .file(ending: "csv"), "write the numbers here")
}
