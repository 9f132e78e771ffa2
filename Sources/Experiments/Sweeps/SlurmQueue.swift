import Configuration
import Glibc
import Pictures

/// The cells of a sweep in the queue of Slurm. Submissions are stored in folders next to those of the cells, and Slurm
/// reports their state. No other state is stored.
public struct SlurmQueue {
  /// A waiting or running task.
  public struct Task: Sendable {
    /// The number of the array and the index of the task in it: `12_3`.
    let name: String
    let isRunning: Bool
    /// The reason why the task waits.
    let reason: String
  }

  /// A submitted job array.
  public struct Submission: Sendable {
    public let job: String
    public let cells: Int
    public let folder: String
  }

  private let plan: SweepPlan
  /// The tasks by the folders of their cells.
  private let tasks: [String: Task]

  /// Asks Slurm for the tasks of a sweep. Throws `RunError` if there is no Slurm.
  public init(_ plan: SweepPlan) throws {
    self.plan = plan
    var tasks: [String: Task] = [:]
    var lists: [String: [String]] = [:]
    for (task, index, script) in try Slurm.tasks(named: Self.jobName(plan)) {
      let submission = String(script.prefix(upTo: script.lastIndex(of: "/") ?? script.startIndex))
      let cells = lists[submission] ?? Self.cells(of: submission)
      lists[submission] = cells
      // The same experiment below another --out has tasks with the same name but other folders.
      if cells.indices.contains(index) { tasks[cells[index]] = task }
    }
    self.tasks = tasks
  }

  /// The name of the sweep's jobs. Slurm accepts several names separated by commas, so special characters are replaced
  /// by `-`. The folders distinguish tasks with equal names.
  private static func jobName(_ plan: SweepPlan) -> String {
    let name = plan.experiment.name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) ? $0 : "-" }
    return "airframe-\(String(name))"
  }

  /// The folders of the cells in a submission.
  private static func cells(of submission: String) -> [String] {
    let text = (try? readFile("\(submission)/cells.tsv")).map { String(decoding: $0, as: UTF8.self) } ?? ""
    return text.split(separator: "\n").map { line in String(line.drop { $0 != "\t" }.dropFirst()) }
  }

  /// The number of cells in each state, and one line per cell.
  public var status: String {
    let root = absolute(plan.folder)
    return plan.status { cell in root.flatMap { tasks["\($0)/\(cell.place)"] } }
  }

  /// Submits all remaining cells that are not queued as one job array. Returns nil if there are none.
  ///
  /// The executable and the complete configs of the cells are copied first, so later changes in the checkout have no
  /// effect. Throws `RunError` if a folder holds another config than the experiment, or if Slurm refuses. Nothing of
  /// the submission is left then.
  public func submit(dataFolder: String, retriesFailed: Bool, settings: SlurmSettings) throws -> Submission? {
    try plan.refuseForeign()
    try makeFolder("\(plan.folder)/.cells")
    guard let root = absolute(plan.folder) else { throw systemError(plan.folder, "cannot be found", errno) }
    // cells.tsv has one line per cell, and Slurm lists the scripts of tasks with one per line.
    let places = [root] + plan.places.map(\.cell.cell.place)
    if let place = places.first(where: { $0.utf8.contains { "\t\n\r".utf8.contains($0) } }) {
      throw RunError(
        "\(place.debugDescription): a path with tabs or line breaks cannot be given to Slurm; choose another --out, or "
          + "rename the row")
    }
    // Two processes that submit at the same time would submit the same cells.
    let lock = try FolderLock(
      "\(plan.folder)/.cells/lock", held: "another process is submitting cells of this sweep; wait until it ends")
    defer { withExtendedLifetime(lock) {} }
    let cells = plan.places.filter { place in
      guard tasks["\(root)/\(place.cell.cell.place)"] == nil else { return false }
      return switch place.state {
      case .waiting, .interrupted: true
      case .failed: retriesFailed
      case .running, .finished, .foreign: false
      }
    }.map(\.cell)
    guard !cells.isEmpty else { return nil }

    var number = 1
    while access("\(root)/.cells/slurm-\(number)", F_OK) == 0 { number += 1 }
    let folder = "\(root)/.cells/slurm-\(number)"
    try makeFolder(folder)
    do {
      let list = try cells.enumerated().map { index, cell in
        try writeFileAtomically(Array(ConfigurationFile.encode(cell.cell.config).utf8), to: "\(folder)/\(index).yaml")
        return "\(index).yaml\t\(root)/\(cell.cell.place)\n"
      }
      try writeFileAtomically(Array(list.joined().utf8), to: "\(folder)/cells.tsv")
      try writeFileAtomically(readFile(ownProgram()), to: "\(folder)/airframe")
      let script = SlurmTaskScript.text(
        experiment: plan.experiment.name, submission: folder, data: absolute(dataFolder) ?? dataFolder,
        code: Provenance.shareCode())
      try writeFileAtomically(Array(script.utf8), to: "\(folder)/task.sh")
      for name in ["airframe", "task.sh"] where chmod("\(folder)/\(name)", 0o755) != 0 {
        throw systemError("\(folder)/\(name)", "cannot be made executable", errno)
      }
      let job = try Slurm.submit(
        script: "\(folder)/task.sh", name: Self.jobName(plan), tasks: cells.count,
        threads: plan.threads, log: "\(Slurm.unexpanded(folder))/task-%a.txt", settings: settings)
      return Submission(job: job, cells: cells.count, folder: folder)
    } catch {
      _ = try? SystemCommand.run("rm", ["-r", "--", folder])
      throw error
    }
  }
}

/// The absolute path of an existing file.
private func absolute(_ path: String) -> String? {
  guard let found = realpath(path, nil) else { return nil }
  defer { free(found) }
  return String(cString: found)
}
