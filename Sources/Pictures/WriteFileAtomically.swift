import Glibc

/// Writes a file so that `path` holds either the old bytes or all the new ones, even after a crash.
///
/// The bytes are written to a temporary file in the same folder, which is synced and renamed to `path`; then the folder
/// is synced. The temporary name contains the process id and a random number, so that concurrent writers do not
/// collide.
///
/// A symbolic link at `path` is replaced, not followed. A device, a pipe or a folder is never replaced. If `replacing`
/// is false, nothing is replaced. Throws `FileError`, after removing the temporary file.
public func writeFileAtomically(_ bytes: [UInt8], to path: String, replacing: Bool = true) throws {
  try writeFileAtomically(bytes, to: path, in: AT_FDCWD, path: path, replacing: replacing)
}

/// Writes a file as above. `name` is relative to the open folder `folder`, even if that has been moved meanwhile;
/// `path` is the file's name in messages.
package func writeFileAtomically(
  _ bytes: [UInt8], to name: String, in folder: Int32, path: String, replacing: Bool = true
) throws {
  try refuseSpecialFile(name, in: folder, path: path)
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
    try move(temporary, to: name, in: folder, path: path, replacing: replacing)
  } catch {
    unlinkat(folder, temporary, 0)
    throw error
  }
  try sync(part.isEmpty ? "." : part, in: folder, path: path)
}

/// The prefix of the names of temporary files, which are being written.
package let temporaryPrefix = ".tmp-"

/// Writes to an existing pipe or device, such as /dev/stdout, without replacing it.
///
/// Throws `FileError`, also for a named pipe without a reader: it does not wait for one.
public func writeThrough(_ bytes: [UInt8], to path: String) throws {
  let descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
  guard descriptor >= 0 else { throw systemError(path, "cannot be opened", errno) }
  defer { close(descriptor) }
  // Now that there is a reader, writing may wait for it.
  _ = fcntl(descriptor, F_SETFL, O_WRONLY)
  try writeAll(bytes, to: descriptor, path: path)
}

private func refuseSpecialFile(_ name: String, in folder: Int32, path: String) throws {
  var status = stat()
  guard fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return }
  let kind = status.st_mode & S_IFMT
  guard kind == S_IFREG || kind == S_IFLNK || kind == S_IFDIR else {
    throw FileError(
      path: path, problem: "is a device, a pipe or a socket, which no file replaces", nextStep: "choose another name")
  }
}

private func move(_ temporary: String, to name: String, in folder: Int32, path: String, replacing: Bool) throws {
  if !replacing {
    if linkat(folder, temporary, folder, name, 0) == 0 {
      unlinkat(folder, temporary, 0)
      return
    }
    // Some file systems do not support hard links.
    guard errno != EEXIST, faccessat(folder, name, F_OK, 0) != 0 else {
      throw systemError(path, "cannot be put in place", EEXIST)
    }
  }
  guard renameat(folder, temporary, folder, name) == 0 else {
    throw systemError(path, "cannot be put in place", errno)
  }
}

/// The part of a path before the file's name, including the slash; empty if there is no slash.
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

/// Makes the rename itself durable. Does nothing on a file system that cannot sync a folder (EINVAL, ENOTSUP).
private func sync(_ part: String, in folder: Int32, path: String) throws {
  let descriptor = openat(folder, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  // The folder may permit new files but not listing. The file is in place, but when it is durable depends on the
  // system.
  guard descriptor >= 0 || errno != EACCES else { return }
  guard descriptor >= 0 else {
    throw systemError(path, "is written, but its folder cannot be opened to sync it", errno)
  }
  defer { close(descriptor) }
  guard fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP else {
    throw systemError(path, "is written, but its folder cannot be synced to disk", errno)
  }
}
