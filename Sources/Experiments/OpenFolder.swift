import Glibc
import Pictures

/// A folder that is held open. All operations apply to this folder, even if its path leads elsewhere later.
///
/// Names may lead into folders below it (`checkpoints/step-8.safetensors`), which may be symbolic links.
final class OpenFolder: Sendable {
  /// The path under which it was opened, for messages.
  let path: String
  private let descriptor: Int32

  /// Throws `FileError` if there is not a folder that can be opened.
  init(_ path: String) throws {
    self.path = path
    descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw systemError(path, "cannot be opened as a folder", errno) }
  }

  deinit { close(descriptor) }

  func path(of name: String) -> String { "\(path)/\(name)" }

  /// Whether its path still leads to it, so that it was neither moved nor deleted.
  var isAtItsPath: Bool {
    var (own, found) = (stat(), stat())
    guard fstat(descriptor, &own) == 0, stat(path, &found) == 0 else { return false }
    return FileIdentity(own) == FileIdentity(found)
  }

  /// The status of a name, without following a symbolic link; nil if it does not exist.
  func status(of name: String) -> stat? {
    var status = stat()
    return fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status : nil
  }

  /// Opens a file for writing in place, and creates it if `flags` contain `O_CREAT`.
  ///
  /// Only a regular file with a single name is opened, because writing through a link would change a file elsewhere.
  /// Throws `FileError`.
  func openToWrite(_ name: String, _ flags: Int32) throws -> Int32 {
    if let status = status(of: name) { try requireOwn(name, status) }
    let file = openat(descriptor, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0o666)
    guard file >= 0 else { throw systemError(path(of: name), "cannot be opened", errno) }
    do {
      var status = stat()
      guard fstat(file, &status) == 0 else { throw systemError(path(of: name), "cannot be examined", errno) }
      try requireOwn(name, status)
    } catch {
      close(file)
      throw error
    }
    return file
  }

  private func requireOwn(_ name: String, _ status: stat) throws {
    let kind = FileKind(status)
    guard kind == .regular else {
      throw FileError(
        path: path(of: name), problem: "is \(kind.words), and no file of this folder can be written there",
        nextStep: "replace it with the file that it was, or remove it")
    }
    guard status.st_nlink <= 1 else {
      throw FileError(
        path: path(of: name),
        problem:
          "is one file with \(status.st_nlink) names (hard links); what is written here would change the others, too",
        nextStep: "make it a file of its own: copy it, and move the copy over it")
    }
  }

  /// Replaces a whole file. Throws `FileError`.
  func write(_ bytes: [UInt8], to name: String) throws {
    try writeFileAtomically(bytes, to: name, in: descriptor, path: path(of: name))
  }

  func remove(_ name: String) { unlinkat(descriptor, name, 0) }

  /// The names in a folder below it, sorted. Throws `FileError`.
  func names(in part: String = ".") throws -> [String] {
    let file = openat(descriptor, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard file >= 0 else { throw systemError(part == "." ? path : path(of: part), "cannot be listed", errno) }
    return try fileNames(listing: file, path: part == "." ? path : path(of: part))
  }
}

/// The names in a folder, sorted. Throws `FileError` if it cannot be listed, which is not the same as an empty folder.
func fileNames(in folder: String) throws -> [String] {
  let file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  guard file >= 0 else { throw systemError(folder, "cannot be listed", errno) }
  return try fileNames(listing: file, path: folder)
}

/// Takes ownership of the descriptor.
private func fileNames(listing file: Int32, path: String) throws -> [String] {
  guard let stream = fdopendir(file) else {
    let code = errno
    close(file)
    throw systemError(path, "cannot be listed", code)
  }
  defer { closedir(stream) }
  var names: [String] = []
  while true {
    errno = 0
    guard let entry = readdir(stream) else {
      guard errno == 0 else { throw systemError(path, "cannot be listed to its end", errno) }
      return names.filter { $0 != "." && $0 != ".." }.sorted()
    }
    names.append(
      withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      })
  }
}
