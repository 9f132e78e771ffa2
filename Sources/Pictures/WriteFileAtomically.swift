import Glibc

/// Writes a file so that `path` holds either the old bytes or all the new ones, even after a crash.
///
/// The bytes go to a temporary file in the same folder, which is synced and renamed over `path`; then the folder is
/// synced. The temporary name holds the process id and a random number, so writers do not meet. A symbolic link at
/// `path` is replaced, not followed. Throws `FileError`, after removing the temporary file.
public func writeFileAtomically(_ bytes: [UInt8], to path: String) throws {
  try writeFileAtomically(bytes, to: path, in: AT_FDCWD, path: path)
}

/// Writes a file as above; `name` is seen from the open folder `folder`, wherever that stands by now, and `path` is what
/// messages call it.
package func writeFileAtomically(_ bytes: [UInt8], to name: String, in folder: Int32, path: String) throws {
  let part = parentFolder(of: name)
  let temporary = "\(part)\(temporaryPrefix)\(getpid())-\(String(UInt64.random(in: 0 ... .max), radix: 36))"
  let descriptor = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
  guard descriptor >= 0 else { throw systemError(path, "cannot be written: no new file in its folder", errno) }
  do {
    do {
      defer { close(descriptor) }
      try writeAll(bytes, to: descriptor, path: path)
      guard fsync(descriptor) == 0 else { throw systemError(path, "cannot be synced to disk", errno) }
    }
    guard renameat(folder, temporary, folder, name) == 0 else {
      throw systemError(path, "cannot be put in place", errno)
    }
  } catch {
    unlinkat(folder, temporary, 0)
    throw error
  }
  try sync(part.isEmpty ? "." : part, in: folder, path: path)
}

/// How the names of files begin that are being written.
package let temporaryPrefix = ".tmp-"

/// What stands before the file's name, with its slash; empty for a bare name.
private func parentFolder(of path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "" }
  return String(path[...slash])
}

private func writeAll(_ bytes: [UInt8], to descriptor: Int32, path: String) throws {
  try bytes.withUnsafeBytes { buffer in
    var done = 0
    while done < buffer.count, let start = buffer.baseAddress {
      let put = write(descriptor, start + done, buffer.count - done)
      if put < 0 && errno == EINTR { continue }
      guard put > 0 else { throw systemError(path, "cannot be written", put < 0 ? errno : ENOSPC) }
      done += put
    }
  }
}

/// Makes the rename itself durable; a file system that cannot sync a folder (EINVAL) is left as it is.
private func sync(_ part: String, in folder: Int32, path: String) throws {
  let descriptor = openat(folder, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  // A folder may allow new files but not listing: the file is in place, only its durability is up to the system.
  guard descriptor >= 0 || errno != EACCES else { return }
  guard descriptor >= 0 else {
    throw systemError(path, "is written, but its folder cannot be opened to sync it", errno)
  }
  defer { close(descriptor) }
  guard fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP else {
    throw systemError(path, "is written, but its folder cannot be synced to disk", errno)
  }
}
