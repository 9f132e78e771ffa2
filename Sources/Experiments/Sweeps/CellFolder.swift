import Configuration
import Glibc
import Pictures

/// The folder of one cell (a run of an experiment), and the state that it records.
struct CellFolder {
  let cell: Experiment.Cell
  let path: String
  /// The file with the config for the cell's process, and the file with the output of that process.
  let config, output: String

  /// A cell of the sweep in `folder`.
  init(_ cell: Experiment.Cell, in folder: String) {
    self.cell = cell
    path = "\(folder)/\(cell.place)"
    let name = "\(cell.row)--seed-\(cell.seed)"
    config = "\(folder)/.cells/\(name).yaml"
    output = "\(folder)/.cells/\(name).txt"
  }

  enum State: Equatable {
    case waiting
    /// A process is training the cell.
    case running
    /// Started, but no process is training the cell.
    case interrupted
    case finished
    case failed(reason: String)
    /// The folder holds a run with another config, or cannot be read.
    case foreign(reason: String)
  }

  /// The current state of the folder. Nothing is changed.
  var state: State {
    if FolderLock.isHeld("\(path)/lock") { return .running }
    guard let folder = try? RunFolder(opening: path) else { return .waiting }
    let own: RunConfig
    do {
      own = try folder.config()
    } catch {
      return .foreign(reason: "\(error)")
    }
    // If the experiment and the run both left a key to the data, the data set its value, so it is not a difference.
    let asked = folder.json("environment.json")?["asked"]
    let changes = cell.config.differences(from: own).filter { change in
      !Runner.resumable.contains(change.key) && (change.own == nil || asked?[change.key] != change.own)
    }
    if let change = changes.first {
      return .foreign(
        reason: "was made with \(change.key) \(change.other?.line ?? "unset"), the experiment says "
          + "\(change.own?.line ?? "nothing")")
    }
    let status = folder.json("status.json")
    switch status?["status"]?.string {
    case "finished":
      // A run that ended after fewer steps than the experiment wants is continued. One with more steps is a different
      // run.
      guard case .integer(let step)? = status?["step"] else { return .foreign(reason: "status.json says no step") }
      let wanted = cell.config.training.steps
      if step > wanted {
        return .foreign(reason: "was trained for \(step) steps, the experiment says \(wanted)")
      }
      // A cell is only finished with its evaluation on test scenes.
      return step == wanted && folder.evaluation("test", after: step) != nil ? .finished : .interrupted
    case "failed": return .failed(reason: status?["reason"]?.string ?? "unknown")
    default: return .interrupted
    }
  }

  /// The last step recorded in the folder.
  var step: Int {
    guard let line = RunRecord.lastLine(of: "\(path)/metrics.jsonl"), case .integer(let step)? = line["step"] else {
      return 0
    }
    return step
  }
}
