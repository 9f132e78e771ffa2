import Configuration

/// The selected cells of an experiment with the states of their folders. Reading them changes nothing.
public struct SweepPlan {
  struct Place {
    let cell: CellFolder
    let state: CellFolder.State
  }

  let experiment: Experiment
  /// The folder of the experiment, which holds the folders of its rows.
  public let folder: String
  let places: [Place]
  /// The number of threads of every cell.
  let threads: Int

  /// Reads the folders below `base`. `rows` are the selected rows, or all if empty. Every cell computes with `threads`
  /// threads. If a data folder is given, runs that were trained on data other than its current contents count as
  /// `foreign`.
  ///
  /// Throws `RunError` for an unknown row.
  public init(
    _ experiment: Experiment, base: String, rows: [String] = [], threads: Int = 1, dataFolder: String? = nil
  ) throws {
    for row in rows where !experiment.rows.contains(row) {
      throw RunError(
        "\(experiment.path): no row is called '\(row)'\(suggestion(for: row, among: experiment.rows)) "
          + "(rows: \(experiment.rows.joined(separator: ", ")))")
    }
    (self.experiment, self.threads) = (experiment, threads)
    folder = "\(base)/\(experiment.name)"
    let folder = folder
    var data = CurrentData(dataFolder)
    places = experiment.cells.filter { rows.isEmpty || rows.contains($0.row) }.map { cell in
      var cell = cell
      cell.config.training.threads = threads
      let place = CellFolder(cell, in: folder)
      let state = place.state
      return Place(cell: place, state: data.obstacle(to: place, state).map { .foreign(reason: $0) } ?? state)
    }
  }

  /// Throws `RunError` if a folder holds another config than the experiment, since the table would be wrong.
  func refuseForeign() throws {
    let foreign = places.compactMap { place in
      if case .foreign(let reason) = place.state { "\(place.cell.path): \(reason)" } else { nil }
    }
    guard foreign.isEmpty else {
      throw RunError(
        foreign.joined(separator: "\n")
          + "\nmove such a folder away, or choose another place for this experiment with --out")
    }
  }

  /// One line per cell with its state and what a sweep would do.
  public func lines(retryingFailed: Bool) -> [String] {
    places.map { place in
      let steps = place.cell.cell.config.training.steps
      let words =
        switch place.state {
        case .waiting: "to do, \(steps) steps"
        case .running: "running at step \(place.cell.step)"
        case .interrupted: "to go on after step \(place.cell.step) of \(steps)"
        case .finished: "finished"
        case .failed(let reason): "failed: \(reason)" + (retryingFailed ? "; to be tried again" : "")
        case .foreign(let reason): "in the way: \(reason)"
        }
      return "\(place.cell.path): \(words)"
    }
  }

  /// The number of cells in each state, and one line per cell.
  public var status: String { status { _ in nil } }

  /// Like `status`. `task` returns the Slurm task of a queued cell.
  func status(task: (Experiment.Cell) -> SlurmQueue.Task?) -> String {
    var counts: [(word: String, count: Int)] = ["finished", "running", "queued", "failed", "damaged", "to do"].map {
      ($0, 0)
    }
    var lines: [(word: String, name: String, rest: String)] = []
    for place in places {
      let steps = place.cell.cell.config.training.steps
      let task = task(place.cell.cell)
      var (word, rest) =
        switch place.state {
        case .waiting: ("to do", "\(steps) steps")
        case .running: ("running", "step \(place.cell.step) of \(steps)")
        case .interrupted: ("to do", "stopped after step \(place.cell.step) of \(steps)")
        case .finished: ("finished", "\(steps) steps")
        case .failed(let reason): ("failed", "\(reason); log: \(place.cell.path)/log.txt")
        case .foreign(let reason): ("damaged", reason)
        }
      if let task, word != "finished", word != "running" {
        word = task.isRunning ? "running" : "queued"
        rest += task.isRunning ? ", starts" : task.reason == "None" ? "" : ", \(task.reason)"
      }
      if let task { rest += ", task \(task.name)" }
      if let index = counts.firstIndex(where: { $0.word == word }) { counts[index].count += 1 }
      lines.append((word, place.cell.cell.place, rest))
    }
    let width = lines.map(\.name.count).max() ?? 0
    let summary = counts.filter { $0.count > 0 }.map { "\($0.count) \($0.word)" }.joined(separator: ", ")
    return "\(places.count) cells: \(summary)\n"
      + lines.map { "  \(padded($0.word, 8))  \(padded($0.name, width))  \($0.rest)\n" }.joined()
  }
}

/// Pads a text with spaces to a width in characters.
private func padded(_ text: String, _ width: Int) -> String {
  text + String(repeating: " ", count: max(0, width - text.count))
}
