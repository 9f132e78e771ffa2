import Experiments

extension Command {
  static let estimators = Command(
    name: "estimators", summary: "compare what gradient estimators cost and how they scatter",
    details: """
      Draws the gradient of every estimator again and again, on the same parameters, images and continuous noise:
      its bias against the exact gradient (where the outcomes can be listed), its variance by module and by
      discrete node, its time. At the initial parameters of a CONFIG, or along a RUN at each of its checkpoints.
      """,
    words: [.subject], keys: .config, options: [.batches, .warmup, .csv, .out, .replace, .data],
    example: "airframe estimators configs/air/multi-mnist.yaml --batches 100 --csv variances.csv", computes: true
  ) { arguments in
    var options = EstimatorStudy.Options()
    options.batches = arguments.integer(.batches) ?? options.batches
    options.warmup = arguments.integer(.warmup) ?? options.warmup
    let table = try arguments.output(.csv, as: [.csv])
    let chart = try arguments.output(.out, as: [.svg, .png])
    let comparison = try EstimatorStudy.run(
      try arguments.one(.subject), keys: arguments.keys, options, dataFolder: arguments.dataFolder)
    try print(comparison.text, terminator: "")
    if let table { try comparison.write(to: table) }
    if let chart { try comparison.drawChart(to: chart) }
  }
}

extension Word {
  fileprivate static let subject = Word("RUN|CONFIG", .file(ending: ""), "the folder of a run, or a config file")
}

extension Option {
  fileprivate static let batches = Option(
    "batches", "N", .integer(2...1_000_000), "draws of every gradient", standard: "200")
  fileprivate static let warmup = Option(
    "warmup", "N", .integer(1...1_000_000), "steps in which estimators learn before they are measured", standard: "300")
  fileprivate static let csv = Option("csv", "FILE", .file(ending: "csv"), "all figures, a line for each part")
  fileprivate static let out = Option(
    "out", "FILE", .file(ending: "svg"), "a chart of the variances, .svg or .png")
}
