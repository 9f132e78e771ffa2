import Glibc
import Pictures

/// A lock that the system releases when its process ends, for whatever reason.
final class FolderLock: Sendable {
  private let descriptor: Int32

  /// Throws `RunError` with the message `held` if another process holds the lock, `RunError` if the file system does
  /// not support locks, and `FileError` if the file cannot be opened.
  convenience init(_ path: String, held: String) throws {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o666)
    guard descriptor >= 0 else { throw systemError(path, "cannot be opened", errno) }
    try self.init(descriptor, path, held: held)
  }

  /// Takes the lock of a run folder. Throws as above.
  convenience init(_ folder: OpenFolder) throws {
    try self.init(
      try folder.openToWrite("lock", O_RDWR | O_CREAT), folder.path(of: "lock"),
      held: "another process is training in this folder; wait for its end, or stop it first")
  }

  private init(_ descriptor: Int32, _ path: String, held: String) throws {
    self.descriptor = descriptor
    var lock = Self.wholeFile
    while fcntl(descriptor, Self.set, &lock) != 0 {
      if errno != EINTR { throw Self.refusal(path, errno, held: held) }
    }
  }

  /// The error for a lock that was refused. Only EAGAIN and EACCES mean that another process holds it.
  static func refusal(_ path: String, _ code: Int32, held: String) -> RunError {
    if code == EAGAIN || code == EACCES { return RunError("\(path): \(held)") }
    return RunError(
      "\(path): cannot be locked: the file system refuses (\(String(cString: strerror(code)))). Without a lock two "
        + "trainings could spoil one folder; choose a folder on another file system with --out (a local disk), or have "
        + "this one mounted with locks")
  }

  /// Unlocks before closing. A child process that has not yet executed its program still has the descriptor, so closing
  /// it here would keep the lock until then.
  deinit {
    var lock = Self.wholeFile
    lock.l_type = Int16(F_UNLCK)
    _ = fcntl(descriptor, Self.set, &lock)
    close(descriptor)
  }

  /// Whether the locked file is still the lock file of this folder.
  func isLock(of folder: OpenFolder) -> Bool {
    var own = stat()
    guard fstat(descriptor, &own) == 0, let found = folder.status(of: "lock") else { return false }
    return FileIdentity(own) == FileIdentity(found)
  }

  /// Whether a process holds the lock at `path`. The check does not disturb other processes.
  static func isHeld(_ path: String) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var lock = wholeFile
    return fcntl(descriptor, get, &lock) == 0 && lock.l_type != Int16(F_UNLCK)
  }

  // Locks of an open file instead of a process (fcntl(2), F_OFD_SETLK and F_OFD_GETLK): tests can hold two in one
  // process.
  private static let get: Int32 = 36
  private static let set: Int32 = 37

  private static var wholeFile: Glibc.flock {
    var lock = Glibc.flock()
    lock.l_type = Int16(F_WRLCK)
    lock.l_whence = Int16(SEEK_SET)
    return lock
  }
}
