import Experiments

extension Command {
  static let figure = Command(
    name: "figure", summary: "draw what runs measured", example: curves.example,
    actions: [curves, csv, memory, attributes, generate, parse] + ofCodes)

  private static let curves = Command(
    name: "curves", summary: "learning curves of runs on validation scenes",
    details: "A metric against training steps or time, on validation scenes; --out or --csv must be given.",
    words: [.runs], options: [.metric, .against, .out, .csv, .replace],
    example: "airframe figure curves runs/air-multi-mnist/seed-* --out curves.png --csv curves.csv"
  ) { arguments in
    let picture = try arguments.output(.out, as: [.png, .svg])
    let table = try arguments.output(.csv, as: [.csv])
    guard picture != nil || table != nil else { throw arguments.fault("--out or --csv is missing") }
    try Curves.write(
      runs: arguments.all(.runs), metric: arguments[.metric] ?? "count_accuracy",
      against: arguments[.against].flatMap(Curves.Axis.init) ?? .steps, picture: picture, table: table)
  }

  private static let memory = Command(
    name: "memory", summary: "objects drawn from every category or memory slot",
    details: "A row for each category or slot; the first column is the mean, the others are drawn from the prior.",
    words: [.run], options: [.picture, .replace, .samples, .rows, .figureSeed, .checkpoint, .data],
    example: "airframe figure memory runs/dm-vae-multi-mnist/seed-0 --step 20000 --out memory.png", computes: true
  ) { arguments in
    let out = try arguments.requiredOutput(.picture, as: [.png])
    try ModelFigures.memory(
      run: try arguments.one(.run), step: arguments.integer(.checkpoint), samples: arguments.integer(.samples) ?? 10,
      rows: arguments.integer(.rows), seed: arguments.integer(.figureSeed) ?? 0, dataFolder: arguments.dataFolder,
      to: out)
    try print(out.path)
  }

  private static let attributes = Command(
    name: "attributes", summary: "categories while one attribute moves",
    details: "A row for each category; from left to right one attribute goes from -2.5 to 2.5 deviations of its prior.",
    words: [.run], options: [.picture, .replace, .attribute, .figureColumns, .checkpoint, .data],
    example: "airframe figure attributes runs/discrete-air-multi-mnist/seed-0 --out attributes.png", computes: true
  ) { arguments in
    let out = try arguments.requiredOutput(.picture, as: [.png])
    try ModelFigures.attributes(
      run: try arguments.one(.run), step: arguments.integer(.checkpoint), attribute: arguments.integer(.attribute) ?? 0,
      columns: arguments.integer(.figureColumns) ?? 9, reach: 2.5, dataFolder: arguments.dataFolder, to: out)
    try print(out.path)
  }

  private static let generate = Command(
    name: "generate", summary: "a scene of your choice, object by object",
    details: """
      SCENE.yaml lists the objects: `objects: [{ category: 2, x: 20, y: 32, size: 18, angle: 30, attributes: [0.5] }]`,
      places and sizes in pixels, the angle in degrees, attributes in deviations of their prior. Any number of objects.
      """,
    words: [.run], options: [.scene, .picture, .replace, .checkpoint, .data],
    example: "airframe figure generate runs/discrete-air-multi-sprites/seed-0 --scene scene.yaml --out scene.png",
    computes: true
  ) { arguments in
    let out = try arguments.requiredOutput(.picture, as: [.png])
    try ModelFigures.generate(
      run: try arguments.one(.run), step: arguments.integer(.checkpoint), scene: try arguments.one(Option.scene),
      dataFolder: arguments.dataFolder, to: out)
    try print(out.path)
  }

  private static let parse = Command(
    name: "parse", summary: "how runs take scenes apart",
    details: """
      A row for each scene; for each run the scene with windows in the colors of their categories, the reconstruction,
      and a table: step, category (k), center, window, angle in degrees.
      """,
    words: [.runs], options: [.picture, .replace, .scenes, .split, .checkpoint, .data],
    example: "airframe figure parse runs/dm-vae-hanzi/seed-0 runs/air-hanzi/seed-0 --out parse.png", computes: true
  ) { arguments in
    let out = try arguments.requiredOutput(.picture, as: [.png])
    try ParseFigure.write(
      runs: arguments.all(.runs), split: try split(arguments[.split] ?? "test"),
      count: arguments.integer(.scenes) ?? 8, step: arguments.integer(.checkpoint), dataFolder: arguments.dataFolder,
      to: out)
    try print(out.path)
  }

  private static let csv = Command(
    name: "csv", summary: "the columns of a CSV file as curves",
    details: "The first line names the columns; the first column is the x axis, each other one a curve.",
    words: [.numbers], options: [.chart, .replace, .title, .label],
    example: "airframe figure csv experiments/performance/cost.csv --out cost.png --label 'cost of a unit'"
  ) { arguments in
    try CSVFigure.write(
      try arguments.one(.numbers), title: arguments[.title] ?? "", yLabel: arguments[.label] ?? "",
      picture: try arguments.requiredOutput(.chart, as: [.png, .svg]))
  }
}

extension Word {
  fileprivate static let numbers = Word("FILE.csv", .file(ending: "csv"), "the numbers")
  fileprivate static let runs = Word("RUN", .run, "the folders of runs", count: .oneOrMore)
}

extension Option {
  fileprivate static let samples = Option("samples", "N", .integer(1...100), "columns", standard: "10")
  fileprivate static let rows = Option(
    "rows", "N", .integer(1...4096), "how many categories or slots, from the first", standard: "all")
  static let figureSeed = Option("seed", "S", .integer(0...Int.max), "which samples", standard: "0")
  fileprivate static let attribute = Option(
    "attribute", "N", .integer(0...4095), "the attribute that moves, from 0", standard: "0")
  static let figureColumns = Option("columns", "N", .integer(1...100), "columns", standard: "9")
  fileprivate static let scene = Option(
    "scene", "SCENE.yaml", .file(ending: "yaml"), "the objects to draw", isRequired: true)
  static let scenes = Option("count", "N", .integer(1...64), "how many scenes", standard: "8")
  fileprivate static let split = Option.split(standard: "test")
  fileprivate static let metric = Option(
    "metric", "NAME", .text, "a metric of the run's metrics.jsonl", standard: "count_accuracy")
  fileprivate static let against = Option(
    "against", "AXIS", .choice(Curves.Axis.allCases.map(\.rawValue)), "what the x axis is", standard: "steps")
  static let picture = Option(
    "out", "FILE.png", .file(ending: "png"), "the picture to write", isRequired: true)
  fileprivate static let chart = Option(
    "out", "FILE", .file(ending: "png"), "the chart to write, .png or .svg", isRequired: true)
  fileprivate static let title = Option("title", "TEXT", .text, "the title above the chart")
  fileprivate static let label = Option("label", "TEXT", .text, "what the y axis is called")
  fileprivate static let out = Option("out", "FILE", .file(ending: "png"), "write the chart here, .png or .svg")
  fileprivate static let csv = Option("csv", "FILE.csv", .file(ending: "csv"), "write the numbers here")
}
