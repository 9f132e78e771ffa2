import Configuration
import Glibc
import Pictures

/// The folder of one run: the config it was made from and everything that came out of it (docs/run-folders.md).
///
/// Files are replaced whole or appended in whole lines, so the folder can be read at every moment.
public struct RunFolder: Sendable {
  public let path: String

  /// An existing run. Throws `RunError` where the folder holds none.
  public init(opening path: String) throws {
    self.path = path
    guard holdsRun else {
      throw RunError("\(path): no run stands here (config.yaml is missing); `airframe train CONFIG` makes one")
    }
  }

  /// The run's config, with overrides on top. Throws `ConfigurationError`.
  ///
  /// Paths in it are absolute; those that version 0.2 wrote as they were typed are seen from the working folder, as then.
  func config(_ overrides: [String] = []) throws -> RunConfig {
    let file = "\(path)/config.yaml"
    let own = try Runner.check(file, overrides)
    let locations = Set(own.locations)
    let typed = try ConfigurationFile.values(path: file).compactMap { key, value -> String? in
      guard locations.contains(key), let path = value.string, path.hasPrefix(".") else { return nil }
      return "\(key)=\(path)"
    }
    return typed.isEmpty ? own : try Runner.check(file, typed + overrides)
  }

  /// A folder that holds a run, or what is left of one.
  init(reading path: String) { self.path = path }

  /// A place for a new run; nothing is made there yet. Throws `RunError` where a run stands already.
  public init(planning path: String) throws {
    self.path = path
    try refuseExisting()
  }

  /// Makes the folder and those in it. Throws `RunError` with what the file system says.
  func make() throws {
    for folder in [path, "\(path)/checkpoints", "\(path)/images"] { try makeFolder(folder) }
  }

  func refuseExisting() throws {
    if holdsRun {
      throw RunError(
        "\(path): a run already stands here and stays as it is; choose another --name, "
          + "or go on with it by `airframe train --resume \(path)`")
    }
  }

  /// The first of NAME, NAME-2, NAME-3, ... that holds no run and is not being made one.
  static func free(_ base: String, _ name: String) -> String {
    var path = "\(base)/\(name)"
    var number = 2
    while access("\(path)/config.yaml", F_OK) == 0 || FolderLock.isHeld("\(path)/lock") {
      path = "\(base)/\(name)-\(number)"
      number += 1
    }
    return path
  }

  private var holdsRun: Bool { access("\(path)/config.yaml", F_OK) == 0 }

  /// Replaces a file whole. Throws `FileError`.
  public func write(_ text: String, to name: String) throws {
    try writeFileAtomically(Array(text.utf8), to: "\(path)/\(name)")
  }

  /// Checkpoints, from the oldest to the newest, as (step, path).
  public var checkpoints: [(step: Int, path: String)] {
    let found = fileNames(in: "\(path)/checkpoints").compactMap { name -> (step: Int, path: String)? in
      guard name.hasPrefix("step-"), name.hasSuffix(".safetensors"), let step = Int(name.dropFirst(5).dropLast(12))
      else { return nil }
      return (step, "\(path)/checkpoints/\(name)")
    }
    return found.sorted { $0.step < $1.step }
  }

  func checkpointPath(_ step: Int) -> String { "\(path)/checkpoints/step-\(step).safetensors" }

  /// Writes `status.json`: `running`, `finished`, `interrupted`, or `failed` with the reason. Throws `FileError`.
  func write(status: String, step: Int, of steps: Int, reason: String? = nil) throws {
    try write(RunFolder.status(status, step, steps, reason) + "\n", to: "status.json")
  }

  /// Writes `failed` with the reason over the old `status.json` where a full disk takes no new file: what stands there
  /// already has its place, and a few hundred bytes fit into it.
  func overwriteStatus(failedAt step: Int, of steps: Int, reason: String) {
    let bytes = Array((RunFolder.status("failed", step, steps, String(reason.prefix(2000))) + "\n").utf8)
    let descriptor = open("\(path)/status.json", O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    if bytes.withUnsafeBytes({ pwrite(descriptor, $0.baseAddress, $0.count, 0) }) == bytes.count {
      ftruncate(descriptor, off_t(bytes.count))
    }
  }

  private static func status(_ status: String, _ step: Int, _ steps: Int, _ reason: String?) -> String {
    JSON.object([
      .init("status", .text(status)), .init("step", .integer(step)), .init("steps", .integer(steps)),
      .init("reason", reason.map(JSON.text) ?? .null),
    ]).description
  }

  /// Makes this process the only one that writes here, until it lets go of the lock or ends, however it ends.
  /// Throws `RunError` where another process trains in this folder.
  func lock() throws -> FolderLock { try FolderLock("\(path)/lock") }

  /// Whether a process is training here.
  public var isBeingTrained: Bool { FolderLock.isHeld("\(path)/lock") }

  /// Removes what a process left that was killed while it wrote a file. Only for who holds the lock.
  func removeUnfinished() {
    for folder in [path, "\(path)/checkpoints", "\(path)/images"] {
      for name in fileNames(in: folder) where name.hasPrefix(".tmp-") { unlink("\(folder)/\(name)") }
    }
  }
}

/// Makes a folder and the ones above it. Throws `RunError` with what the file system says.
func makeFolder(_ path: String) throws {
  var built = path.hasPrefix("/") ? "/" : ""
  for part in path.split(separator: "/") {
    built += (built.isEmpty || built.hasSuffix("/") ? "" : "/") + part
    if mkdir(built, 0o777) != 0 && errno != EEXIST {
      throw RunError(
        "\(built): the folder cannot be made: \(String(cString: strerror(errno))); "
          + "choose a place that can be written with --out")
    }
  }
}

/// A lock that the system gives up when its process ends, however it ends.
final class FolderLock: Sendable {
  private let descriptor: Int32

  /// Throws `RunError` where another process holds it, saying what `held` says.
  init(
    _ path: String, held: String = "another process is training in this folder; wait for its end, or stop it first"
  ) throws {
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw systemError(path, "cannot be opened", errno) }
    var lock = Self.wholeFile
    guard fcntl(descriptor, Self.set, &lock) == 0 else {
      close(descriptor)
      throw RunError("\(path): \(held)")
    }
  }

  /// A child of this process that has not yet become another program still has the descriptor: were it closed alone, the
  /// lock would outlive it by that moment.
  deinit {
    var lock = Self.wholeFile
    lock.l_type = Int16(F_UNLCK)
    _ = fcntl(descriptor, Self.set, &lock)
    close(descriptor)
  }

  /// Whether a process holds the lock at `path`; asking disturbs nobody.
  static func isHeld(_ path: String) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var lock = wholeFile
    return fcntl(descriptor, get, &lock) == 0 && lock.l_type != Int16(F_UNLCK)
  }

  // Locks of an open file rather than of a process (fcntl(2), F_OFD_SETLK and F_OFD_GETLK): tests can hold two in one process.
  private static let get: Int32 = 36
  private static let set: Int32 = 37

  private static var wholeFile: Glibc.flock {
    var lock = Glibc.flock()
    lock.l_type = Int16(F_WRLCK)
    lock.l_whence = Int16(SEEK_SET)
    return lock
  }
}
