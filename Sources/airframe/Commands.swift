import Experiments
import Glibc

/// One word of the command line.
struct Command: Sendable {
  let name: String
  let summary: String
  let help: String
  /// Whether it multiplies matrices, so that the fastest kernels are worth a restart.
  var computes = false
  /// Does the work; `help` is shown beside what is wrong with the words.
  let run: @Sendable (_ words: [String], _ help: String) throws -> Void
}

/// All commands, one line each.
let commands: [Command] = [.train, .evaluate, .infer, .sample, .figure, .config, .data, .bench, .exportStep]

/// The folder with datasets: `--data`, else AIRFRAME_DATA, else `data`.
func dataFolder(_ arguments: Arguments) -> String {
  arguments["data"] ?? getenv("AIRFRAME_DATA").map { String(cString: $0) } ?? "data"
}

extension Command {
  static let train = Command(
    name: "train", summary: "train a model from a config file",
    help: """
      usage: airframe train CONFIG [key=value ...] [--row ROW] [--out DIR] [--name NAME] [--data DIR]

      Trains what CONFIG says and leaves a run folder below DIR (default: runs). key=value overrides any key. --row takes
      one row of an experiment file.

      example: airframe train configs/air/multi-mnist.yaml training.seed=1 estimator.name=marginal
      """,
    computes: true
  ) { words, help in
    let arguments = try Arguments(words, options: ["row", "out", "name", "data"], help: help)
    let config = try arguments.words("CONFIG", help: help)[0]
    let outcome = try Runner.train(
      config: config, row: arguments["row"], overrides: arguments.overrides, base: arguments["out"] ?? "runs",
      name: arguments["name"], dataFolder: dataFolder(arguments))
    for score in outcome.validation.scores { print(score.name, score.value) }
    print("run", outcome.folder)
    if let picture = outcome.picture { print("picture", picture) }
  }

  static let evaluate = Command(
    name: "evaluate", summary: "measure a run on held-out scenes",
    help: """
      usage: airframe evaluate RUN [--split test|validation|train] [--step N] [key=value ...] [--data DIR]

      Prints one `metric value` line each and writes evaluation.json into the run. --step takes the checkpoint after N steps.

      example: airframe evaluate runs/air-multi-mnist/seed-0 --split test
      """,
    computes: true
  ) { words, help in
    let arguments = try Arguments(words, options: ["split", "step", "data"], help: help)
    let run = try arguments.words("RUN", help: help)[0]
    let outcome = try Runner.evaluate(
      run: run, split: try split(arguments["split"] ?? "test"), step: try arguments.integer("step", in: 0...Int.max),
      overrides: arguments.overrides, dataFolder: dataFolder(arguments))
    print("step", outcome.step)
    for score in outcome.result.scores { print(score.name, score.value) }
    for line in outcome.result.countLines { print(line) }
  }

  static let figure = Command(
    name: "figure", summary: "draw what runs measured",
    help: """
      usage: airframe figure curves RUN ... [--metric NAME] [--out FILE.png] [--csv FILE.csv]

      The learning curves of runs on validation scenes: a metric (default: count_accuracy) against training steps.

      example: airframe figure curves runs/air-multi-mnist/seed-* --out curves.png --csv curves.csv
      """
  ) { words, help in
    let arguments = try Arguments(words, options: ["metric", "out", "csv"], help: help)
    guard arguments.positional.first == "curves", arguments.positional.count > 1 else {
      throw UsageError("wanted curves RUN ...\n\n\(help)")
    }
    guard arguments["out"] != nil || arguments["csv"] != nil else {
      throw UsageError("--out or --csv is missing\n\n\(help)")
    }
    try Curves.write(
      runs: Array(arguments.positional.dropFirst()), metric: arguments["metric"] ?? "count_accuracy",
      picture: arguments["out"], table: arguments["csv"])
  }

  static let config = Command(
    name: "config", summary: "check or show a config",
    help: """
      usage: airframe config check CONFIG [key=value ...]     read everything, say what is wrong with place and remedy
             airframe config show CONFIG [key=value ...]      every key with its value

      example: airframe config check configs/air/multi-mnist.yaml
      """
  ) { words, help in
    let arguments = try Arguments(words, options: [], help: help)
    let found = try arguments.words("check|show", "CONFIG", help: help)
    let loaded = try Runner.check(found[1], arguments.overrides)
    switch found[0] {
    case "check": print("\(found[1]): fine")
    case "show": print(Runner.text(of: loaded), terminator: "")
    default: throw UsageError("unknown action '\(found[0])' (known: check, show)\n\n\(help)")
    }
  }

  static let bench = Command(
    name: "bench", summary: "time training steps",
    help: """
      usage: airframe bench air [--threads N] [--seconds S] [--json] [--data DIR]

      Times the AIR training step of docs/performance.md: median, minimum and 90th percentile in milliseconds.

      example: airframe bench air --threads 1 --json
      """,
    computes: true
  ) { words, help in
    let arguments = try Arguments(words, options: ["threads", "seconds", "data"], flags: ["json"], help: help)
    let name = try arguments.words("NAME", help: help)[0]
    guard name == "air" else { throw UsageError("unknown benchmark '\(name)' (known: air)\n\n\(help)") }
    let result = try Benchmark.air(
      threads: try arguments.integer("threads", in: 1...256) ?? 2,
      seconds: Double(try arguments.integer("seconds", in: 1...3600) ?? 10), dataFolder: dataFolder(arguments))
    if arguments.has("json") { return print(result.json) }
    print(
      "\(result.name), \(result.threads) threads: median \(fixed(result.median, 2)) ms, minimum \(fixed(result.minimum, 2)), "
        + "p90 \(fixed(result.p90, 2)), \(result.steps) steps")
  }

  static let exportStep = Command(
    name: "export-step", summary: "write one training step with its noise and gradients",
    help: """
      usage: airframe export-step CONFIG --out FILE.safetensors [--step N] [key=value ...] [--data DIR]

      Lays one training step bare, for checking against other implementations: parameters, images, noise, terms, losses,
      gradients. scripts/parity/air_step.py recomputes such a file.

      example: airframe export-step configs/air/multi-mnist.yaml --out step.safetensors
      """,
    computes: true
  ) { words, help in
    let arguments = try Arguments(words, options: ["out", "step", "data"], help: help)
    let config = try arguments.words("CONFIG", help: help)[0]
    guard let out = arguments["out"] else { throw UsageError("--out FILE is missing\n\n\(help)") }
    try ExportStep.write(
      try Runner.check(config, arguments.overrides), dataFolder: dataFolder(arguments),
      step: try arguments.integer("step", in: 0...1_000_000_000) ?? 0, to: out)
  }
}
