import Experiments

extension Command {
  static let figure = Command(
    name: "figure", summary: "draw what runs measured", example: curves.example, actions: [curves, csv])

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

  private static let csv = Command(
    name: "csv", summary: "the columns of a CSV file as curves",
    details: "The first line names the columns; the first column is the x axis, each other one a curve.",
    words: [.numbers], options: [.picture, .title, .label],
    example: "airframe figure csv experiments/performance/cost.csv --out cost.png --label 'cost of a unit'"
  ) { arguments in
    try CSVFigure.write(
      try arguments.one(.numbers), title: arguments[.title] ?? "", yLabel: arguments[.label] ?? "",
      picture: try arguments.one(Option.picture))
  }
}

extension Word {
  fileprivate static let numbers = Word("FILE.csv", .file(ending: "csv"), "the numbers")
  fileprivate static let runs = Word("RUN", .run, "the folders of runs", count: .oneOrMore)
}

extension Option {
  fileprivate static let metric = Option(
    "metric", "NAME", .text, "a metric of the run's metrics.jsonl", standard: "count_accuracy")
  fileprivate static let picture = Option(
    "out", "FILE.png", .file(ending: "png"), "the picture to write", isRequired: true)
  fileprivate static let title = Option("title", "TEXT", .text, "what stands above the chart")
  fileprivate static let label = Option("label", "TEXT", .text, "what the y axis is called")
  fileprivate static let out = Option("out", "FILE.png", .file(ending: "png"), "write the picture here")
  fileprivate static let csv = Option("csv", "FILE.csv", .file(ending: "csv"), "write the numbers here")
}
