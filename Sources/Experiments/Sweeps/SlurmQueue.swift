import Configuration
import Glibc
import Pictures

/// A sweep's cells in Slurm's hands. What was handed in stands in folders beside the cells' own, and what became of it is
/// asked of Slurm: nothing else is remembered.
public struct SlurmQueue {
  /// A task that waits or runs.
  public struct Task: Sendable {
    /// `12_3`: the third of array 12.
    let name: String
    let isRunning: Bool
    /// Why it waits.
    let reason: String
  }

  /// What was handed in.
  public struct Submission: Sendable {
    public let job: String
    public let cells: Int
    public let folder: String
  }

  private let plan: SweepPlan
  /// Tasks by the folder of their cell.
  private let tasks: [String: Task]

  /// Asks Slurm for the tasks of a sweep. Throws `RunError` where there is no Slurm.
  public init(_ plan: SweepPlan) throws {
    self.plan = plan
    var tasks: [String: Task] = [:]
    var lists: [String: [String]] = [:]
    for (task, index, script) in try Slurm.tasks(named: Self.jobName(plan)) {
      let submission = String(script.prefix(upTo: script.lastIndex(of: "/") ?? script.startIndex))
      let cells = lists[submission] ?? Self.cells(of: submission)
      lists[submission] = cells
      // The same experiment below another --out has tasks of the same name, but other folders.
      if cells.indices.contains(index) { tasks[cells[index]] = task }
    }
    self.tasks = tasks
  }

  /// Slurm takes several names with commas between, so others than plain characters are left out; tasks are told apart by
  /// their folders.
  private static func jobName(_ plan: SweepPlan) -> String {
    let name = plan.experiment.name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) ? $0 : "-" }
    return "airframe-\(String(name))"
  }

  /// The folders in a submission's list.
  private static func cells(of submission: String) -> [String] {
    let text = (try? readFile("\(submission)/cells.tsv")).map { String(decoding: $0, as: UTF8.self) } ?? ""
    return text.split(separator: "\n").map { line in String(line.drop { $0 != "\t" }.dropFirst()) }
  }

  /// How many cells stand where, and a line for each.
  public var status: String {
    let root = absolute(plan.folder)
    return plan.status { cell in root.flatMap { tasks["\($0)/\(cell.place)"] } }
  }

  /// Hands in all cells that are left and not in the queue, as one job array; nil where there are none.
  ///
  /// The executable and the cells' whole configs are copied first: what is changed in the checkout later changes nothing of
  /// it. Throws `RunError` where a folder holds another config than the experiment, and where Slurm refuses; nothing is
  /// left behind then.
  public func submit(dataFolder: String, retriesFailed: Bool, settings: SlurmSettings) throws -> Submission? {
    try plan.refuseForeign()
    try makeFolder("\(plan.folder)/.cells")
    guard let root = absolute(plan.folder) else { throw systemError(plan.folder, "cannot be found", errno) }
    // cells.tsv has a line for each cell, and Slurm lists the scripts of tasks a line each.
    let places = [root] + plan.places.map(\.cell.cell.place)
    if let place = places.first(where: { $0.utf8.contains { "\t\n\r".utf8.contains($0) } }) {
      throw RunError(
        "\(place.debugDescription): a path with tabs or line breaks cannot be given to Slurm; choose another --out, or "
          + "rename the row")
    }
    // Two that hand in at the same time would hand in the same cells.
    let lock = try FolderLock(
      "\(plan.folder)/.cells/lock", held: "another process hands in cells of this sweep; wait for its end")
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

/// The absolute path of what exists.
private func absolute(_ path: String) -> String? {
  guard let found = realpath(path, nil) else { return nil }
  defer { free(found) }
  return String(cString: found)
}
