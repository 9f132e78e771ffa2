import Experiments

extension Command {
  static let bench = Command(
    name: "bench", summary: "time training steps, data, startup and kernels",
    details: """
      Prints what docs/performance.md explains:
      \(Benchmark.all.map { "  \($0.name): \($0.summary)" }.joined(separator: "\n"))
      """,
    words: [.benchmark],
    keys: Keys(meaning: "sets a key of the measured config (air, dair, mvae, estimators, startup): training.batch=256"),
    options: [.threads, .seconds, .filter, .compare, .json, .data],
    example: "airframe bench air model.steps=6 --threads 1 --json > before.json"
  ) { arguments in
    let name = try arguments.one(.benchmark)
    guard let benchmark = Benchmark.all.first(where: { $0.name == name }) else { return }
    var options = BenchmarkOptions()
    options.threads = arguments.integer(.threads) ?? options.threads
    options.seconds = arguments.integer(.seconds).map(Double.init) ?? options.seconds
    options.dataFolder = arguments.dataFolder
    options.keys = arguments.keys
    options.filter = arguments[.filter]
    // A faulty file is reported before the measurement, not after.
    let saved = try arguments[.compare].map { try SavedBenchmark($0, of: name) }
    // The programs that `startup` launches select their kernels themselves, because that is part of their startup time.
    if name != "startup" { try Runner.useBestProducts() }
    let result = try benchmark.run(options)
    if arguments.has(.json) {
      try print(saved.map { $0.line(comparedTo: result) } ?? result.line)
    } else {
      try print(result.text, terminator: "")
      if let saved { try print("\n" + saved.text(comparedTo: result), terminator: "") }
    }
  }
}

extension Word {
  fileprivate static let benchmark = Word(
    "NAME", .choice(Benchmark.all.map(\.name)), "what is timed")
}

extension Option {
  fileprivate static let threads = Option.threads(standard: "2")
  fileprivate static let seconds = Option("seconds", "S", .integer(1...3600), "how long to measure", standard: "10")
  fileprivate static let filter = Option("filter", "TEXT", .text, "for kernels: only those whose names hold TEXT")
  fileprivate static let compare = Option(
    "compare", "FILE", .file(ending: "json"), "print every figure's ratio to this result of --json")
  fileprivate static let json = Option(flag: "json", "print one line of JSON")
}
