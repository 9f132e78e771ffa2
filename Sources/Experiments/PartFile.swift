import Glibc

/// A file that is being fetched, beside the place where it goes: of a name that cannot be guessed, made anew, and locked as
/// long as this process holds it.
final class PartFile {
  let path: String
  private let descriptor: Int32

  /// Throws `DataFetch.Problem`.
  init(for path: String) throws {
    self.path = "\(path).part-\(String(UInt64.random(in: 0 ... .max), radix: 36))"
    descriptor = open(self.path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw DataFetch.Problem(words: Self.words("no file can be made there")) }
    _ = flock(descriptor, LOCK_EX | LOCK_NB)
  }

  deinit { close(descriptor) }

  /// Writes bytes at its end; what went wrong, if anything did.
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

  /// Brings it to the disk and gives it its name. Throws `DataFetch.Problem`.
  func put(at place: String) throws {
    // A crash cannot leave an empty file under that name.
    guard fsync(descriptor) == 0, rename(path, place) == 0 else {
      throw DataFetch.Problem(words: Self.words("fetched, but it cannot be put in place"))
    }
  }

  /// Removes it, where it has not been put in place.
  func remove() { unlink(path) }

  /// Removes a part that no process holds.
  static func removeIfStale(_ path: String) {
    let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(path) }
  }

  private static func words(_ problem: String) -> String { "\(problem): \(String(cString: strerror(errno)))" }
}
