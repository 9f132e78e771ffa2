import Configuration
import Pictures

/// Checks and loads the checkpoints of a run, to use its model or to resume its training.
extension Runner {
  /// The keys that may change when a run is resumed: its length, its threads, and the output intervals.
  static let resumable = [
    "training.steps", "training.threads", "training.log_every", "training.evaluate_every", "training.checkpoint_every",
    "training.picture_every", "training.keep_checkpoints",
  ]

  /// Throws `RunError` for overrides of keys other than `resumable` and `locations`.
  static func refuseChanges(_ overrides: [String], _ path: String, locations: [String]) throws {
    let resumable = self.resumable + locations
    for override in overrides {
      let key = override.prefix { $0 != "=" }
      guard resumable.contains(String(key)) else {
        throw RunError(
          "override '\(override)': a resumed run keeps its config; only \(resumable.joined(separator: ", ")) may change. "
            + "For another config start a new run, with --init-from \(path) to keep what was learned")
      }
    }
  }

  /// Loads a part of a run's checkpoint into a workbench. `config` is the config in the run's `config.yaml`.
  ///
  /// Throws `RunError` if the checkpoint was made with another config, its name states another step, or it does not
  /// fit. Throws `FileError` if it cannot be read.
  static func restore(
    _ part: Checkpoint.Part, of checkpoint: (step: Int, path: String), into workbench: Workbench, _ config: RunConfig
  ) throws -> Checkpoint.Restored {
    let restored = try Checkpoint.restore(part, of: checkpoint.path, into: workbench, called: checkpoint.step)
    if let made = restored.config,
      let change = config.differences(from: made).first(where: { !resumable.contains($0.key) })
    {
      throw RunError(
        "\(checkpoint.path): was made with \(change.key) \(change.other?.line ?? "unset"), config.yaml says "
          + "\(change.own?.line ?? "nothing"); put config.yaml back as it was")
    }
    return restored
  }

  /// Loads the parameters of a run's newest checkpoint, or of the one after `step` steps, into a workbench. Returns the
  /// step.
  ///
  /// Throws `RunError` if there is no such checkpoint or it cannot be used. In the second case the message lists the
  /// others.
  static func restore(_ workbench: Workbench, of folder: RunFolder, step: Int?) throws -> Int {
    let checkpoints = try folder.checkpoints
    guard let chosen = step.map({ step in checkpoints.first { $0.step == step } }) ?? checkpoints.last else {
      let steps = checkpoints.map { "\($0.step)" }.joined(separator: ", ")
      throw RunError(
        "\(folder.path): no checkpoint \(step.map { "after step \($0)" } ?? "at all") "
          + "(there are: \(steps.isEmpty ? "none" : steps))")
    }
    do {
      return try restore(.parameters, of: chosen, into: workbench, folder.config()).step
    } catch {
      let others = checkpoints.map(\.step).filter { $0 != chosen.step }.map(String.init).joined(separator: ", ")
      throw RunError("\(error); \(others.isEmpty ? "there is no other checkpoint" : "choose --step of: \(others)")")
    }
  }

  /// Loads the newest usable checkpoint into the workbench. Returns nil if no checkpoint was made yet.
  ///
  /// A damaged checkpoint is reported, and the previous one is used. A checkpoint whose logs are shorter than it
  /// recorded is used only if no other is left. No file is changed.
  ///
  /// Throws `RunError` if no checkpoint can be used, if one cannot be read at the moment, or if checkpoints must have
  /// existed. Throws `FileError` if they cannot be listed.
  static func restoreNewest(_ workbench: Workbench, _ folder: RunFolder) throws -> Checkpoint.Restored? {
    var problems: [String] = []
    var newestWithShortLogs: (step: Int, path: String)?
    func report() {
      for problem in problems { writeToStandardError("warning: \(problem); the checkpoint before it is used\n") }
    }
    for checkpoint in try folder.checkpoints.reversed() {
      do {
        let restored = try restore(.everything, of: checkpoint, into: workbench, workbench.config)
        if try TrainingLog.isShort(in: folder, for: try logState(of: restored, checkpoint.path)) {
          if newestWithShortLogs == nil { newestWithShortLogs = checkpoint }
          problems.append("\(checkpoint.path): the logs are shorter than when it was saved")
          continue
        }
        report()
        return restored
      } catch let error as FileError {
        throw RunError(
          "\(error). It may be whole: resume once it can be read, or move it away to go on without it")
      } catch {
        problems.append("\(error)")
      }
    }
    if let checkpoint = newestWithShortLogs {
      return try restore(.everything, of: checkpoint, into: workbench, workbench.config)
    }
    guard problems.isEmpty else {
      throw RunError(
        "none of the checkpoints can be used:\n" + problems.joined(separator: "\n")
          + "\nto begin anew, start another run of \(folder.path)/config.yaml")
    }
    try requireNoCheckpointBefore(folder)
    return nil
  }

  private static func logState(of restored: Checkpoint.Restored, _ path: String) throws -> LogState {
    do { return try LogState(restored.log) } catch { throw RunError("\(path): cannot be used: \(error)") }
  }

  /// Throws `RunError` if `status.json` mentions a saved step, which means that the checkpoints are elsewhere.
  ///
  /// The `status.json` of version 0.2 has no checkpoint entry. It was written after each save, and when a training
  /// ended without a failure.
  private static func requireNoCheckpointBefore(_ folder: RunFolder) throws {
    guard let status = folder.json("status.json") else { return }
    let saved = status["checkpoint"] ?? (status["status"] == "failed" ? .null : status["step"] ?? .null)
    guard case .integer(let step) = saved, step > 0 else { return }
    throw RunError(
      "\(folder.path)/checkpoints: holds no checkpoint, but status.json mentions one after step \(step): put them back, or "
        + "have their disk mounted; to begin anew, start another run of \(folder.path)/config.yaml")
  }
}
