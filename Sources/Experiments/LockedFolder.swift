import Configuration
import Glibc
import Pictures

/// The run folder in which this process trains: held open and locked, so that nobody else writes there, and nothing is
/// written anywhere else.
///
/// Before each write it is made sure that the path still leads to this folder and this lock. A folder that was deleted
/// or moved away, perhaps with a new run in its place, ends the training with `LostFolder`.
final class LockedFolder {
  let folder: RunFolder
  let files: OpenFolder
  private let lock: FolderLock
  /// The step of the newest checkpoint that this training knows of; `status.json` tells it.
  var newestCheckpoint: Int?

  var path: String { folder.path }

  /// Throws `RunError` where another process trains in this folder or the file system has no locks, and `FileError`.
  init(_ folder: RunFolder) throws {
    self.folder = folder
    files = try OpenFolder(folder.path)
    lock = try FolderLock(files)
    try requireOwn()
  }

  /// Throws `LostFolder` where the path leads elsewhere by now.
  func requireOwn() throws {
    guard isOwn, files.isAtItsPath else { throw LostFolder(path: path) }
  }

  /// Whether the folder, wherever it stands, is still the one of this training.
  private var isOwn: Bool { lock.isLock(of: files) }

  /// Replaces a file whole. Throws `FileError` and `LostFolder`.
  func write(_ text: String, to name: String) throws { try write(Array(text.utf8), to: name) }

  /// Replaces a file whole. Throws `FileError` and `LostFolder`.
  func write(_ bytes: [UInt8], to name: String) throws {
    try requireOwn()
    try files.write(bytes, to: name)
  }

  /// A JSON file of the folder; nil where there is none that can be read.
  func json(_ name: String) -> JSON? { folder.json(name) }

  /// Checks that a checkpoint could be written now. Throws `FileError` and `LostFolder`.
  func requireRoomForCheckpoints() throws {
    let name = "checkpoints/\(temporaryPrefix)\(getpid())-0"
    try write([], to: name)
    files.remove(name)
  }

  /// Removes checkpoints after these steps. Throws `LostFolder`.
  func removeCheckpoints(_ steps: [Int]) throws {
    guard !steps.isEmpty else { return }
    try requireOwn()
    for step in steps { files.remove(RunFolder.checkpointName(step)) }
  }

  /// Removes what a process left that was killed while it wrote a file. Throws `FileError` and `LostFolder`.
  func removeUnfinished() throws {
    try requireOwn()
    for part in [".", "checkpoints", "images"] where part == "." || isFolder(part) {
      for name in try files.names(in: part) where name.hasPrefix(temporaryPrefix) {
        let file = part == "." ? name : "\(part)/\(name)"
        if files.status(of: file).map({ FileKind($0) == .regular }) ?? false { files.remove(file) }
      }
    }
  }

  private func isFolder(_ name: String) -> Bool {
    guard let status = files.status(of: name) else { return false }
    return [.folder, .link].contains(FileKind(status))
  }

  // MARK: status.json

  /// Writes `status.json`: `running`, `finished`, `interrupted`, or `failed` with the reason. Throws `FileError` and
  /// `LostFolder`.
  func write(status: String, step: Int, of steps: Int) throws {
    try write(self.status(status, step, steps, nil) + "\n", to: "status.json")
  }

  /// Writes `failed` with the reason as well as that can be done: also where the folder was moved, but never into another
  /// one.
  ///
  /// A full disk takes no new file, but what stands there already has its place, and a few hundred bytes fit into it.
  func writeFailure(at step: Int, of steps: Int, reason: String) {
    guard isOwn else { return }
    do {
      try files.write(Array((status("failed", step, steps, reason) + "\n").utf8), to: "status.json")
    } catch {
      let bytes = Array((status("failed", step, steps, String(reason.prefix(2000))) + "\n").utf8)
      guard let file = try? files.openToWrite("status.json", O_WRONLY) else { return }
      defer { close(file) }
      if bytes.withUnsafeBytes({ pwrite(file, $0.baseAddress, $0.count, 0) }) == bytes.count {
        ftruncate(file, off_t(bytes.count))
      }
    }
  }

  private func status(_ status: String, _ step: Int, _ steps: Int, _ reason: String?) -> String {
    JSON.object([
      .init("status", .text(status)), .init("step", .integer(step)), .init("steps", .integer(steps)),
      .init("reason", reason.map(JSON.text) ?? .null), .init("checkpoint", newestCheckpoint.map(JSON.integer) ?? .null),
    ]).description
  }
}

/// A training whose folder is no longer where it was: deleted, moved, or replaced by that of another run.
public struct LostFolder: Error, CustomStringConvertible {
  public let path: String
  public var description: String {
    "\(path): the folder of this training was deleted, moved or replaced while it ran, so the training has stopped. "
      + "Nothing was written to what is at this path now; if the folder was moved, move it back and go on with "
      + "`airframe train --resume \(path)`"
  }
}
