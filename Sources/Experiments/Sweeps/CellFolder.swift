import Configuration
import Glibc
import Pictures

/// The folder of one cell, and what it says of it.
struct CellFolder {
  let cell: Experiment.Cell
  let path: String
  /// Where the config that the cell's process reads is kept, and what the process printed.
  let config, output: String

  /// A cell of the sweep that stands in `folder`.
  init(_ cell: Experiment.Cell, in folder: String) {
    self.cell = cell
    path = "\(folder)/\(cell.place)"
    let name = "\(cell.row)--seed-\(cell.seed)"
    config = "\(folder)/.cells/\(name).yaml"
    output = "\(folder)/.cells/\(name).txt"
  }

  enum State: Equatable {
    case waiting
    /// Some process trains it.
    case running
    /// Begun, and no process trains it.
    case interrupted
    case finished
    case failed(reason: String)
    /// Another config stands there, or what stands there cannot be read.
    case foreign(reason: String)
  }

  /// What stands there now. Changes nothing.
  var state: State {
    if FolderLock.isHeld("\(path)/lock") { return .running }
    guard let folder = try? RunFolder(opening: path) else { return .waiting }
    let own: RunConfig
    do {
      own = try folder.config()
    } catch {
      return .foreign(reason: "\(error)")
    }
    // What the experiment leaves to the data, as the run did, the data decided for both.
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
      // What ended after fewer steps than are wanted now goes on; more are another run.
      guard case .integer(let step)? = status?["step"] else { return .foreign(reason: "status.json says no step") }
      let wanted = cell.config.training.steps
      if step > wanted {
        return .foreign(reason: "was trained for \(step) steps, the experiment says \(wanted)")
      }
      // Without its evaluation on test scenes it is not done.
      return step == wanted && folder.evaluation("test", after: step) != nil ? .finished : .interrupted
    case "failed": return .failed(reason: status?["reason"]?.string ?? "unknown")
    default: return .interrupted
    }
  }

  /// The last step that the folder tells of.
  var step: Int {
    guard let line = RunRecord.lastLine(of: "\(path)/metrics.jsonl"), case .integer(let step)? = line["step"] else {
      return 0
    }
    return step
  }
}
