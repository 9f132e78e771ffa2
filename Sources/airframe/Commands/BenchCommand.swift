import Experiments

extension Command {
  static let bench = Command(
    name: "bench", summary: "time training steps",
    details: "Times the training step of docs/performance.md: median, minimum and 90th percentile in milliseconds.",
    words: [.benchmark], options: [.threads, .seconds, .json, .data],
    example: "airframe bench air --threads 1 --json", computes: true
  ) { arguments in
    let result = try Benchmark.air(
      threads: arguments.integer(.threads) ?? 2, seconds: Double(arguments.integer(.seconds) ?? 10),
      dataFolder: arguments.dataFolder)
    if arguments.has(.json) { return print(result.json) }
    print(
      "\(result.name), \(result.threads) threads: median \(fixed(result.median, 2)) ms, minimum \(fixed(result.minimum, 2)), "
        + "p90 \(fixed(result.p90, 2)), \(result.steps) steps")
  }
}

extension Word {
  fileprivate static let benchmark = Word("NAME", .choice(["air"]), "what is timed: air")
}

extension Option {
  fileprivate static let threads = Option.threads(standard: "2")
  fileprivate static let seconds = Option("seconds", "S", .integer(1...3600), "how long to measure", standard: "10")
  fileprivate static let json = Option(flag: "json", "print one line of JSON")
}
