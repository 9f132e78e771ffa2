import Experiments

extension Command {
  static let train = Command(
    name: "train", summary: "train a model from a config file",
    details: """
      Trains what CONFIG says and leaves a run folder: runs/<config>/seed-<seed>, or as --out and --name say.
      With --resume, goes on with a run that was stopped; only how long, with how many threads and what is
      written when may change then.
      """,
    words: [.config], keys: .config,
    options: [.row, .out, .name, .data, .threads, .initFrom, .resume],
    example: "airframe train configs/air/multi-mnist.yaml training.seed=1 estimator.name=marginal", computes: true
  ) { arguments in
    let outcome = try train(arguments)
    for score in outcome.validation.scores { try print(score.name, score.value) }
    try print("run", outcome.folder)
    if let picture = outcome.picture { try print("picture", picture) }
  }

  private static func train(_ arguments: Arguments) throws -> Runner.Outcome {
    let overrides = arguments.keys + (arguments.integer(.threads).map { ["training.threads=\($0)"] } ?? [])
    if let run = arguments[.resume] {
      for option in [Option.row, .out, .name, .initFrom] where arguments[option] != nil {
        throw arguments.fault("--\(option.name) is for new runs; leave it out with --resume")
      }
      return try Runner.resume(run: run, overrides: overrides, dataFolder: arguments.dataFolder)
    }
    return try Runner.train(
      config: try arguments.one(.config), row: arguments[.row], overrides: overrides, base: arguments[.out] ?? "runs",
      name: arguments[.name], startingFrom: arguments[.initFrom], dataFolder: arguments.dataFolder)
  }
}

extension Option {
  fileprivate static let threads = Option.threads(standard: "training.threads of the config")
  fileprivate static let out = Option("out", "DIR", .folder, "where the folders of runs are", standard: "runs")
  fileprivate static let name = Option(
    "name", "NAME", .text, "the name of the run's folder", standard: "seed-<seed>, with a number where that is taken")
  fileprivate static let initFrom = Option("init-from", "RUN", .run, "start from the newest parameters of another run")
  fileprivate static let resume = Option(
    "resume", "RUN", .run, "resume this run from its newest checkpoint", replaces: Word.config.name)
}
