import Configuration
import Glibc
import Pictures

/// Runs the cells of an experiment as separate processes, each in its folder.
///
/// All important state is in the cells' folders, whose locks show which cells are being trained. After any
/// interruption, a restarted sweep, or a second one at the same time, runs the remaining cells.
public final class Sweep {
  public struct Options: Sendable {
    /// The number of cells that run at the same time.
    public var jobs = 1
    public var retriesFailed = false
    /// Whether a failed cell ends all others.
    public var failsFast = false
    /// The seconds that cells have to save themselves when the sweep ends. After that they are killed.
    public var grace = 120.0
    public init() {}
  }

  /// A cell that did not finish.
  public struct Failure: Sendable {
    public let cell: String
    public let reason: String
    public let log: String
  }

  /// A cell that is being trained by this sweep.
  private struct Cell {
    let cell: CellFolder
    let process: ChildProcess
    let start: Double
    let firstStep: Int
    /// The index of its cores in `shares`; nil if there are none.
    let share: Int?
  }

  public let folder: String
  private let options: Options
  private let dataFolder: String
  private var waiting: [CellFolder] = []
  private var running: [Cell] = []
  /// The cells that other processes train.
  private var elsewhere: [CellFolder] = []
  private var done = 0
  private var failures: [Failure] = []
  private var spent: [Double] = []
  private let display: SweepDisplay
  /// The cores for each running cell, if all cells together need exactly all cores. A cell that stays on its cores
  /// keeps its caches, and its second thread, which makes batches, does not disturb other cells. Empty otherwise.
  private let shares: [ArraySlice<Int>]
  private let total: Int

  /// Throws `RunError` if a folder holds another config than the experiment.
  public init(_ plan: SweepPlan, dataFolder: String, options: Options) throws {
    try plan.refuseForeign()
    self.options = options
    self.dataFolder = dataFolder
    folder = plan.folder
    total = plan.places.count
    shares = Sweep.shares(of: ownCores(), jobs: options.jobs, threads: plan.threads)
    display = SweepDisplay(total: total)
    for (cell, state) in plan.places.map({ ($0.cell, $0.state) }) {
      switch state {
      case .waiting, .interrupted: waiting.append(cell)
      case .running: elsewhere.append(cell)
      case .finished: done += 1
      case .failed where options.retriesFailed: waiting.append(cell)
      case .failed(let reason), .foreign(let reason):
        failures.append(Failure(cell: cell.cell.place, reason: reason, log: "\(cell.path)/log.txt"))
      }
    }
  }

  /// Runs all remaining cells. Returns the cells that failed, now or before. Throws `SweepInterruption` after Ctrl-C,
  /// SIGTERM or SIGHUP, once the cells have saved themselves, and `RunError` if a folder cannot be created.
  ///
  /// No process of a cell remains when the sweep ends. Cells check whether the sweep is alive, so this holds even if it
  /// is killed.
  public func run() throws -> [Failure] {
    try makeFolder("\(folder)/.cells")
    StopSignal.watch(.isTold)
    setenv(StopSignal.parentVariable, "\(getpid())", 1)
    defer {
      unsetenv(StopSignal.parentVariable)
      endCells()
      display.end()
    }
    Provenance.shareCode()
    display.begin(done: done, failed: failures.count)
    while !(waiting.isEmpty && running.isEmpty && elsewhere.isEmpty) {
      if let signal = StopSignal.current { throw stop(signal) }
      collect()
      lookElsewhere()
      if options.failsFast, !failures.isEmpty {
        waiting = []
        endCells()
      }
      while running.count + elsewhere.count < options.jobs, !waiting.isEmpty { start(waiting.removeFirst()) }
      show()
      usleep(10_000)
    }
    return failures
  }

  /// A program of util-linux, which every Debian system has.
  static let taskset = "/usr/bin/taskset"

  private static func shares(of cores: [Int], jobs: Int, threads: Int) -> [ArraySlice<Int>] {
    guard jobs > 1, jobs * threads == cores.count, access(taskset, X_OK) == 0 else { return [] }
    return (0..<jobs).map { cores[threads * $0..<threads * ($0 + 1)] }
  }

  /// Starts a cell. A cell that cannot be started has failed, and the others continue.
  private func start(_ cell: CellFolder) {
    do {
      try makeFolder(String(cell.path.prefix(upTo: cell.path.lastIndex(of: "/") ?? cell.path.endIndex)))
      try writeFileAtomically(Array(ConfigurationFile.encode(cell.cell.config).utf8), to: cell.config)
      unlink(cell.output)
      var words = [ownProgram(), "run-cell", cell.config, cell.path, "--data", dataFolder]
      let share = shares.indices.first { share in !running.contains { $0.share == share } }
      if let share { words = [Sweep.taskset, "-c", shares[share].map(String.init).joined(separator: ",")] + words }
      let process = try ChildProcess(words[0], Array(words.dropFirst()), output: cell.output)
      running.append(
        Cell(cell: cell, process: process, start: monotonicSeconds(), firstStep: cell.step, share: share))
      display.say("started  \(cell.cell.place)")
    } catch {
      fail(cell, "\(error)", log: cell.output)
    }
  }

  private func collect() {
    running.removeAll { entry in
      let cell = entry.cell
      guard let status = entry.process.poll() else { return false }
      switch (status, cell.state) {
      case (0, .finished):
        done += 1
        spent.append(monotonicSeconds() - entry.start)
        display.say("finished \(cell.cell.place) (\(done) of \(total))")
      case (_, .running): elsewhere.append(cell)
      case (_, .failed(let reason)): fail(cell, reason, log: "\(cell.path)/log.txt")
      default: fail(cell, lastWords(of: cell, status), log: cell.output)
      }
      return true
    }
  }

  private func lookElsewhere() {
    elsewhere.removeAll { cell in
      switch cell.state {
      case .running: return false
      case .finished: done += 1
      case .failed(let reason): fail(cell, reason, log: "\(cell.path)/log.txt")
      case .foreign(let reason): fail(cell, reason, log: cell.path)
      case .waiting, .interrupted: waiting.insert(cell, at: 0)
      }
      return true
    }
  }

  private func fail(_ cell: CellFolder, _ reason: String, log: String) {
    failures.append(Failure(cell: cell.cell.place, reason: reason, log: log))
    display.say("failed   \(cell.cell.place): \(reason)")
  }

  /// The last line that a process printed.
  private func lastWords(of cell: CellFolder, _ status: Int32) -> String {
    let text = (try? readFile(cell.output)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    let line = text.split(separator: "\n").last.map(String.init) ?? "it said nothing"
    return "status \(status): \(line)"
  }

  private func stop(_ signal: Int32) -> SweepInterruption {
    let killed = endCells()
    return SweepInterruption(
      signal: signal, done: running.reduce(done) { $0 + ($1.cell.state == .finished ? 1 : 0) }, total: total,
      killed: killed)
  }

  /// Asks the running cells to save themselves and waits for their end, for at most `grace` seconds or until a further
  /// signal. Then they are killed, and can resume from their last checkpoint. Returns the number of killed cells.
  @discardableResult private func endCells() -> Int {
    var left: [Cell] { running.filter { $0.process.poll() == nil } }
    guard !left.isEmpty else { return 0 }
    display.say(
      "waiting  for \(left.count) to save themselves, at most \(clock(options.grace)); a second Ctrl-C kills them")
    // Ctrl-C may have reached them already. A second signal so soon has no effect.
    for cell in left { cell.process.send(SIGTERM) }
    let end = monotonicSeconds() + options.grace
    while !left.isEmpty, monotonicSeconds() < end, !StopSignal.isInsisted { usleep(10_000) }
    let killed = left
    for cell in killed { cell.process.send(SIGKILL) }
    while !left.isEmpty { usleep(1000) }
    return killed.count
  }

  private func show() {
    let seconds = spent.isEmpty ? nil : spent.reduce(0, +) / Double(spent.count)
    display.show(
      done: done, failed: failures.count,
      left: seconds.map { $0 * Double(waiting.count + running.count) / Double(options.jobs) },
      running: running.map { entry in
        let step = entry.cell.step
        return SweepDisplay.Line(
          name: entry.cell.cell.place, step: step, of: entry.cell.cell.config.training.steps,
          rate: Double(step - entry.firstStep) / max(monotonicSeconds() - entry.start, 1e-9))
      }
        + elsewhere.map {
          SweepDisplay.Line(name: $0.cell.place, step: $0.step, of: $0.cell.config.training.steps, rate: nil)
        })
  }
}

/// A sweep that was asked to stop, after its cells saved themselves.
public struct SweepInterruption: Error, CustomStringConvertible {
  public let signal: Int32
  let done, total: Int
  /// The number of cells that did not save themselves in time.
  let killed: Int
  public var description: String {
    "stopped with \(done) of \(total) cells finished; "
      + (killed > 0 ? "\(killed) had no time to save themselves and go on from their last checkpoints; " : "")
      + "run the same command to resume"
  }
}

/// The cells of a sweep that failed. All others finished, unless `failsFast` ended them.
public struct SweepFailure: Error, CustomStringConvertible {
  let failures: [Sweep.Failure]
  public init(_ failures: [Sweep.Failure]) { self.failures = failures }
  public var description: String {
    "\(failures.count) \(failures.count == 1 ? "cell" : "cells") failed:\n"
      + failures.map { "  \($0.cell): \($0.reason)\n    log: \($0.log)\n" }.joined()
      + "fix the cause and try them again with --retry-failed"
  }
}
