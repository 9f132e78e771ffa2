import Experiments
import Glibc

extension Command {
  static let sweep = Command(
    name: "sweep", summary: "run all cells of an experiment",
    details: """
      Runs every row of EXPERIMENT with every seed, each cell as a process of its own in
      runs/<experiment>/<row>/seed-<seed>. Finished cells are skipped and interrupted ones go on, so the same
      command continues a sweep that was stopped, however that came about. key=value stands above all rows.
      """,
    words: [.experiment], keys: .config,
    options: [.out, .jobs, .only, .budget, .retryFailed, .failFast, .dryRun, .threads, .data],
    example: "airframe sweep experiments/air-background.yaml --jobs 2 --dry-run"
  ) { arguments in
    let experiment = try Experiment(
      try arguments.one(.experiment), budget: arguments[.budget], overrides: arguments.keys)
    var options = Sweep.Options()
    options.jobs = arguments.integer(.jobs) ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    options.threads = arguments.integer(.threads) ?? 1
    options.retriesFailed = arguments.has(.retryFailed)
    options.failsFast = arguments.has(.failFast)
    options.rows = arguments[.only].map { $0.split(separator: ",").map(String.init) } ?? []
    let base = arguments[.out] ?? "runs"
    let sweep = try Sweep(experiment, base: base, dataFolder: arguments.dataFolder, options: options)
    if arguments.has(.dryRun) {
      for line in Sweep.plan(experiment, base: base, options: options) { print(line) }
      return
    }
    let failures = try sweep.run()
    if !failures.isEmpty { throw SweepFailure(failures) }
  }

  /// What a sweep starts for each cell; people use `train`.
  static let runCell = Command(
    name: "run-cell", summary: "train a config in exactly one folder, or go on there (used by sweep)",
    words: [.config, .cell], options: [.data], example: "airframe run-cell configs/quickstart.yaml runs/mine",
    computes: true
  ) { arguments in
    try Runner.runCell(
      config: try arguments.one(.config), folder: try arguments.one(.cell), dataFolder: arguments.dataFolder)
  }
}

extension Word {
  fileprivate static let cell = Word("FOLDER", .folder, "the folder of the run")
}

extension Option {
  fileprivate static let out = Option("out", "DIR", .folder, "where the folders of runs stand", standard: "runs")
  fileprivate static let jobs = Option(
    "jobs", "N", .integer(1...1024), "cells at a time", standard: "the number of cores")
  fileprivate static let only = Option("only", "ROW,...", .text, "these rows only", standard: "all")
  fileprivate static let retryFailed = Option(
    flag: "retry-failed", "go on with failed cells from their last checkpoint")
  fileprivate static let failFast = Option(flag: "fail-fast", "stop the others when a cell fails")
  fileprivate static let dryRun = Option(flag: "dry-run", "say what would be done, and do nothing")
  fileprivate static let threads = Option.threads(standard: "1")
}
