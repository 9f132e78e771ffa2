import Glibc

/// A partially downloaded file next to its destination. It is newly created, has a name that cannot be guessed, and is
/// locked while this process uses it.
final class PartFile {
  let path: String
  private let descriptor: Int32

  /// Creates and locks the file. Throws `DataFetch.Problem`.
  init(for path: String) throws {
    self.path = "\(path).part-\(String(UInt64.random(in: 0 ... .max), radix: 36))"
    descriptor = open(self.path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw DataFetch.Problem(words: Self.words("no file can be made there")) }
    _ = flock(descriptor, LOCK_EX | LOCK_NB)
  }

  deinit { close(descriptor) }

  /// Appends bytes. Returns a description of the error, or nil.
  func append(_ bytes: UnsafeRawBufferPointer) -> String? {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return Self.words("it cannot be written") }
      rest = rest.dropFirst(count)
    }
    return nil
  }

  /// Syncs the file to disk and moves it to its destination. Throws `DataFetch.Problem`.
  func put(at place: String) throws {
    // The sync ensures that a crash cannot leave an empty file under that name.
    guard fsync(descriptor) == 0, rename(path, place) == 0 else {
      throw DataFetch.Problem(words: Self.words("fetched, but it cannot be put in place"))
    }
  }

  /// Removes the file if it was not moved to its destination.
  func remove() { unlink(path) }

  /// Removes a partial file that no process has locked.
  static func removeIfStale(_ path: String) {
    let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(path) }
  }

  private static func words(_ problem: String) -> String { "\(problem): \(String(cString: strerror(errno)))" }
}
