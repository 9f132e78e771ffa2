import Configuration
import Glibc
import Pictures

/// The run folder in which this process trains. It is held open and locked, so that no other process writes there, and
/// this process writes nowhere else.
///
/// Before each write the path is checked to still lead to this folder and this lock. If the folder was deleted or
/// moved, even if a new run took its place, the training ends with `LostFolder`.
final class LockedFolder {
  let folder: RunFolder
  let files: OpenFolder
  private let lock: FolderLock
  /// The step of the newest checkpoint that this training knows of, written to `status.json`.
  var newestCheckpoint: Int?

  var path: String { folder.path }

  /// Throws `RunError` if another process trains in this folder or the file system does not support locks, and
  /// `FileError`.
  init(_ folder: RunFolder) throws {
    self.folder = folder
    files = try OpenFolder(folder.path)
    lock = try FolderLock(files)
    try requireOwn()
  }

  /// Throws `LostFolder` if the path no longer leads to this folder.
  func requireOwn() throws {
    guard isOwn, files.isAtItsPath else { throw LostFolder(path: path) }
  }

  /// Whether the open folder, wherever it is now, is still the one that this training locked.
  private var isOwn: Bool { lock.isLock(of: files) }

  /// Replaces a whole file. Throws `FileError` and `LostFolder`.
  func write(_ text: String, to name: String) throws { try write(Array(text.utf8), to: name) }

  /// Replaces a whole file. Throws `FileError` and `LostFolder`.
  func write(_ bytes: [UInt8], to name: String) throws {
    try requireOwn()
    try files.write(bytes, to: name)
  }

  /// A JSON file of the folder; nil if it is missing or cannot be read.
  func json(_ name: String) -> JSON? { folder.json(name) }

  /// Checks that a checkpoint could be written now. Throws `FileError` and `LostFolder`.
  func requireRoomForCheckpoints() throws {
    let name = "checkpoints/\(temporaryPrefix)\(getpid())-0"
    try write([], to: name)
    files.remove(name)
  }

  /// Removes the checkpoints after these steps. Throws `LostFolder`.
  func removeCheckpoints(_ steps: [Int]) throws {
    guard !steps.isEmpty else { return }
    try requireOwn()
    for step in steps { files.remove(RunFolder.checkpointName(step)) }
  }

  /// Removes temporary files of a process that was killed while it wrote. Throws `FileError` and `LostFolder`.
  func removeUnfinished() throws {
    try requireOwn()
    for part in [".", "checkpoints", "evaluations", "images"] where part == "." || isFolder(part) {
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

  /// Writes `status.json` with `running`, `finished` or `interrupted`. `writeFailure` writes `failed` with a reason.
  ///
  /// Throws `FileError` and `LostFolder`.
  func write(status: String, step: Int, of steps: Int) throws {
    try write(self.status(status, step, steps, nil) + "\n", to: "status.json")
  }

  /// Writes `failed` with the reason if possible, also if the folder was moved, but never into another folder.
  ///
  /// On a full disk no new file can be created, but a few hundred bytes fit into the space that the existing file
  /// already occupies.
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

/// The error of a training whose folder was deleted, moved, or replaced by the folder of another run.
public struct LostFolder: Error, CustomStringConvertible {
  public let path: String
  public var description: String {
    "\(path): the folder of this training was deleted, moved or replaced while it ran, so the training has stopped. "
      + "Nothing was written to what is at this path now; if the folder was moved, move it back and resume with "
      + "`airframe train --resume \(path)`"
  }
}
