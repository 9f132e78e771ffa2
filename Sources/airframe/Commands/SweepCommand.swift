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
    options: [
      .out, .jobs, .only, .budget, .retryFailed, .failFast, .dryRun, .status, .threads, .data, .launcher, .partition,
      .account, .timeLimit, .sbatch,
    ],
    example: "airframe sweep experiments/air-background.yaml --jobs 2 --dry-run"
  ) { arguments in
    let experiment = try Experiment(
      try arguments.one(.experiment), budget: arguments[.budget], overrides: arguments.keys)
    let plan = try SweepPlan(
      experiment, base: arguments[.out] ?? "runs",
      rows: try arguments[.only].map {
        try NameList.names(in: $0, among: experiment.rows, option: "--only", kind: "row")
      } ?? [],
      threads: arguments.integer(.threads) ?? 1, dataFolder: arguments.dataFolder)
    let isOnSlurm = arguments[.launcher] == "slurm"
    for option in [Option.partition, .account, .timeLimit, .sbatch] where arguments.has(option) && !isOnSlurm {
      throw arguments.fault("--\(option.name) is for --launcher slurm")
    }
    if arguments.has(.dryRun) {
      for line in plan.lines(retryingFailed: arguments.has(.retryFailed)) { try print(line) }
    } else if arguments.has(.status) {
      try print(isOnSlurm ? try SlurmQueue(plan).status : plan.status, terminator: "")
    } else if isOnSlurm {
      try submit(plan, experiment.file.slurm, arguments)
    } else {
      var options = Sweep.Options()
      options.jobs = arguments.integer(.jobs) ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
      options.retriesFailed = arguments.has(.retryFailed)
      options.failsFast = arguments.has(.failFast)
      let failures = try Sweep(plan, dataFolder: arguments.dataFolder, options: options).run()
      if !failures.isEmpty { throw SweepFailure(failures) }
    }
  }

  private static func submit(_ plan: SweepPlan, _ file: SlurmSettings, _ arguments: Arguments) throws {
    if arguments.has(.failFast) {
      throw arguments.fault("--fail-fast is for --launcher local: tasks do not see each other")
    }
    var settings = file
    settings.atOnce = arguments.integer(.jobs) ?? file.atOnce
    settings.partition = arguments[.partition] ?? file.partition
    settings.account = arguments[.account] ?? file.account
    settings.timeLimit = arguments[.timeLimit] ?? file.timeLimit
    settings.options += arguments[.sbatch]?.split(separator: " ").map(String.init) ?? []
    if let problem = settings.problems().first { throw arguments.fault("--sbatch \(problem.message)") }
    let submission = try SlurmQueue(plan).submit(
      dataFolder: arguments.dataFolder, retriesFailed: arguments.has(.retryFailed), settings: settings)
    guard let submission else { return try print("nothing is left to submit") }
    let cells = submission.cells == 1 ? "1 cell" : "\(submission.cells) cells"
    try print("job \(submission.job): \(cells); the submission and the output of its tasks are in \(submission.folder)")
  }

  /// The command that a sweep starts for each of its runs. Users call `train` instead.
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
  fileprivate static let out = Option("out", "DIR", .folder, "where the folders of runs are", standard: "runs")
  fileprivate static let jobs = Option(
    "jobs", "N", .integer(1...1024), "cells at a time",
    standard: "all cores; slurm: the file's at_once")
  fileprivate static let launcher = Option(
    "launcher", "WHERE", .choice(["local", "slurm"]), "on this machine, or as one job array of a Slurm cluster",
    standard: "local")
  fileprivate static let status = Option(flag: "status", "print the state of every cell, and do nothing else")
  fileprivate static let partition = Option("partition", "NAME", .text, "slurm: the partition to run in")
  fileprivate static let account = Option("account", "NAME", .text, "slurm: the account that is charged")
  fileprivate static let timeLimit = Option(
    "time-limit", "TIME", .text, "slurm: the longest one task may run, such as 2:00:00")
  fileprivate static let sbatch = Option(
    "sbatch", "OPTIONS", .text, "slurm: further options of sbatch: --sbatch=\"--mem=4G --nice\"")
  fileprivate static let only = Option(
    "only", "ROW,...", .text, "these rows only; names with a comma in quotes", standard: "all")
  fileprivate static let retryFailed = Option(
    flag: "retry-failed", "resume failed cells from their last checkpoint")
  fileprivate static let failFast = Option(flag: "fail-fast", "stop the others when a cell fails")
  fileprivate static let dryRun = Option(flag: "dry-run", "say what would be done, and do nothing")
  fileprivate static let threads = Option.threads(standard: "1")
}
