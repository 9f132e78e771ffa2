import Configuration
import Evaluation
import Glibc
import Pictures

/// The table of an experiment, read from the folders of its cells: mean and standard deviation over seeds. The table
/// also counts the seeds that have no value.
public struct ResultTable {
  /// The checkpoint of a run that is used: the last one, or the best one on validation scenes.
  public enum Selection: String, CaseIterable, Sendable { case final, best }

  /// The values of one run.
  struct Seed {
    let row: String
    let seed: Int
    let state: CellFolder.State
    let steps: Int
    /// The step of the checkpoint that was evaluated.
    let step: Int?
    let collapse: String?
    let commit: String?
    /// The note on product kernels that are narrower than the CPU allows; nil if they are not.
    let narrowProducts: String?
    /// The code that evaluated the run; nil if the run was not evaluated or the code was not recorded.
    let measuredBy: String?
    /// The data that the run was trained on; nil if the folder does not record it.
    let data: TrainingData?
    /// The number of "what if" evaluations of the run, which are not shown.
    let whatIfs: Int
    let values: [String: Double]
  }

  /// The contents of one position in the table.
  struct Entry {
    let statistics: Statistics
    let failed, collapsed, unfinished: Int
    let published: PublishedValue?
    /// The reason why our value is not comparable with the published one.
    let reason: String?

    /// Our value minus the published one, and whether it is within the published deviation. Nil if there is nothing to
    /// compare.
    var difference: (value: Double, isWithin: Bool?)? {
      guard reason == nil, let published, let mean = statistics.mean else { return nil }
      let difference = mean - published.mean
      return (difference, published.deviation.map { abs(difference) <= $0 })
    }
  }

  let experiment: Experiment
  let selection: Selection
  let split: String
  let seeds: [Seed]
  let published: [String: PublishedRow]

  /// Reads the folders below `base`. Throws `ConfigurationError` for published values that cannot be used.
  ///
  /// Throws `RunError` if runs of the same dataset section were trained on different data, because their values must
  /// not be averaged.
  public init(_ experiment: Experiment, base: String, selection: Selection = .final, split: String = "test") throws {
    (self.experiment, self.selection, self.split) = (experiment, selection, split)
    published = try experiment.published()
    seeds = experiment.cells.map { ResultTable.read($0, in: "\(base)/\(experiment.name)", selection, split) }
    try TrainingData.refuseDifferences(
      zip(experiment.cells, seeds).filter { $1.state == .finished }.map { ($0, $1.data) }, path: experiment.path)
  }

  private static func read(_ cell: Experiment.Cell, in folder: String, _ selection: Selection, _ split: String) -> Seed
  {
    let place = CellFolder(cell, in: folder)
    let state = place.state
    let run = try? RunFolder(opening: place.path)
    let (summary, environment) = (run?.json("summary.json"), run?.json("environment.json"))
    var step: Int?
    if selection == .best, case .integer(let best)? = summary?["best"]?["step"] { step = best }
    if selection == .final, case .integer(let last)? = summary?["steps"] { step = last }
    // Only finished cells contribute to a mean.
    let found = state == .finished ? step.flatMap { run?.measured(split, after: $0) } : nil
    var values: [String: Double] = [:]
    for score in found?.scores ?? [] { values[score.key] = score.value.double }
    if let parameters = summary?["parameters"]?.double { values["parameters"] = parameters }
    return Seed(
      row: cell.row, seed: cell.seed, state: state, steps: cell.config.training.steps, step: step,
      collapse: summary?["collapse"]?.string, commit: environment?["git_commit"]?.string,
      narrowProducts: environment?[Provenance.narrowProductsKey]?.string, measuredBy: found?.code,
      data: TrainingData(environment), whatIfs: run?.evaluations.count { !$0.isOwn } ?? 0, values: values)
  }

  var columns: [String] { experiment.file.columns }

  func seeds(of row: String) -> [Seed] { seeds.filter { $0.row == row } }

  subscript(row: String, column: String) -> Entry {
    let all = seeds(of: row)
    let failed = all.filter { if case .failed = $0.state { true } else { false } }.count
    return Entry(
      statistics: Statistics(all.compactMap { $0.values[column] }), failed: failed,
      collapsed: all.filter { $0.collapse != nil && $0.state == .finished }.count,
      unfinished: all.filter { $0.values[column] == nil }.count - failed, published: published[row]?[column],
      reason: published[row]?.reason(for: column))
  }

  /// What a reader must know before comparing rows.
  var warnings: [String] {
    var found: [String] = []
    for seed in seeds {
      if case .foreign(let reason) = seed.state {
        found.append("\(seed.row), seed \(seed.seed), does not count: \(reason)")
      }
    }
    func compare(_ what: String, _ value: (String) -> Set<String>) {
      let groups = Dictionary(grouping: experiment.rows, by: value).filter { !$0.key.isEmpty }
      guard groups.count > 1 || groups.keys.contains(where: { $0.count > 1 }) else { return }
      let words = groups.sorted { $0.value.lexicographicallyPrecedes($1.value) }
        .map { "\($0.value.joined(separator: ", ")): \($0.key.sorted().joined(separator: " and "))" }
      found.append("rows differ in \(what) (\(words.joined(separator: "; ")))")
    }
    compare("training steps") { row in Set(seeds(of: row).map { "\($0.steps)" }) }
    compare("the number of finished seeds") { row in ["\(seeds(of: row).filter { $0.state == .finished }.count)"] }
    compare("the code that ran") { row in Set(seeds(of: row).compactMap { $0.commit.map { String($0.prefix(10)) } }) }
    compare("the code that measured") { row in Set(seeds(of: row).compactMap(\.measuredBy)) }
    for note in Set(seeds.compactMap(\.narrowProducts)).sorted() {
      let slowed = seeds.filter { $0.narrowProducts == note }.map { "\($0.row) seed \($0.seed)" }
      found.append("times of \(slowed.joined(separator: ", ")) do not compare: \(note)")
    }
    for seed in seeds where seed.whatIfs > 0 {
      let count = seed.whatIfs == 1 ? "1 evaluation" : "\(seed.whatIfs) evaluations"
      found.append(
        "\(seed.row), seed \(seed.seed): \(count) under other settings or on other data not shown "
          + "(`airframe evaluate RUN --list`)")
    }
    return found
  }

  /// Paired tests between two rows for every column, using only the seeds that both rows finished. Throws `RunError`
  /// for a row that does not exist.
  public func comparison(of left: String, with right: String) throws -> String {
    for row in [left, right] where !experiment.rows.contains(row) {
      throw RunError(
        "\(experiment.path): no row is called '\(row)'\(suggestion(for: row, among: experiment.rows)) "
          + "(rows: \(experiment.rows.joined(separator: ", ")))")
    }
    func words(_ test: PairedComparison.Test?, _ name: String, _ decimals: Int) -> [String] {
      guard let test else { return ["-", "-"] }
      return ["\(name) = \(fixed(test.statistic, decimals))", test.p < 0.0001 ? "< 0.0001" : fixed(test.p, 4)]
    }
    /// Rounds the ends to at most a hundredth of the interval's width.
    func words(_ interval: ClosedRange<Double>?) -> String {
      guard let interval else { return "-" }
      let width = interval.upperBound - interval.lowerBound
      let decimals = width > 0 && width.isFinite ? max(0, 2 - Int(log10(width).rounded(.down))) : 0
      return "\(fixed(interval.lowerBound, decimals)) to \(fixed(interval.upperBound, decimals))"
    }
    let rows = columns.map { column in
      let pairs = zip(seeds(of: left), seeds(of: right)).compactMap { own, other in
        own.values[column].flatMap { value in other.values[column].map { (left: value, right: $0) } }
      }
      let found = PairedComparison(pairs)
      return [column, "\(pairs.count)", difference(found.differences), words(found.interval)]
        + words(found.t, "t", 2) + words(found.wilcoxon, "W", 1)
    }
    let head = ["\(left) - \(right)", "n", "difference", "95 % interval", "paired t", "p", "Wilcoxon", "p"]
    return "\(TextTable(head, rows, alignRight: head.map { _ in false }))"
      + "Two-sided, paired by seed, not corrected for several columns.\n"
  }

  /// Selection, split and number of steps, for the line below a table.
  var caption: String {
    let horizon = Set(seeds.map(\.steps)).sorted().map(String.init).joined(separator: ", ")
    let rule =
      switch selection {
      case .final: "the last checkpoint"
      case .best:
        "the checkpoint with the best \(experiment.cells.first?.config.evaluation.selectBy ?? "nelbo") on validation scenes"
      }
    return "Mean ± standard deviation (seeds) on \(split) scenes, \(rule), \(horizon) steps."
  }

  /// The beginning of the first line of `csvOfSeeds`, which distinguishes such a file from others.
  public static let headOfSeeds = "row,seed,state,step"

  /// One line per run, with every value of every seed.
  public var csvOfSeeds: CSV {
    var rows = [Self.headOfSeeds.split(separator: ",").map(String.init) + columns]
    for seed in seeds {
      let state =
        switch seed.state {
        case .failed: "failed"
        case .foreign: "damaged"
        default: seed.collapse == nil ? "\(seed.state)" : "collapsed"
        }
      let values = columns.map { column in seed.values[column].map { "\($0)" } ?? "" }
      rows.append([seed.row, "\(seed.seed)", state, seed.step.map { "\($0)" } ?? ""] + values)
    }
    return CSV(rows)
  }
}

extension Experiment {
  /// The values of the paper, by row. Throws `ConfigurationError` for a row that the experiment does not have.
  func published() throws -> [String: PublishedRow] {
    var found: [String: PublishedRow] = [:]
    for entry in file.paper.entries ?? [] {
      guard rows.contains(entry.key) else {
        throw ConfigurationError(
          "'paper' names '\(entry.key)', which is not a row\(suggestion(for: entry.key, among: rows)) "
            + "(rows: \(rows.joined(separator: ", ")))", at: entry.keyPlace)
      }
      found[entry.key] = try PublishedRow(entry.value, columns: file.columns)
    }
    return found
  }
}
