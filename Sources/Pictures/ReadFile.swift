import Glibc

/// Reads a file of at most `limit` bytes. Throws `FileError`.
///
/// Only regular files are read, because reading from a pipe, a device or a socket could wait forever or never end.
/// `check` receives the first 4096 bytes (or all) and the size before memory is allocated for the rest, and may throw.
/// A file that is larger than the free memory is refused.
public func readFile(
  _ path: String, limit: Int = 1 << 31, check: (_ head: [UInt8], _ size: Int) throws -> Void = { _, _ in }
) throws -> [UInt8] {
  let (descriptor, size) = try openForReading(path)
  defer { close(descriptor) }
  guard size <= limit else { throw tooLarge(path, size: "\(size)", limit: limit) }
  let head = try readChunk(descriptor, path: path, room: min(size + 1, 4096))
  do { try check(head, size) } catch let error as FileError where error.path == nil { throw error.at(path) }
  do { try FreeMemory.require(size) } catch let error as FileError { throw error.at(path) }

  // A file of known size is read at once. Room for one more byte shows whether the file ends there.
  var bytes: [UInt8] = []
  var (begun, room) = (head, size + 1)
  while true {
    let chunk = try readChunk(descriptor, path: path, room: room, after: begun)
    if bytes.isEmpty { bytes = chunk } else { bytes += chunk }
    guard bytes.count <= limit else { throw tooLarge(path, size: "over \(limit)", limit: limit) }
    if chunk.count < room { return bytes }
    (begun, room) = ([], max(1, min(max(bytes.count, 1 << 16), limit - bytes.count + 1)))
  }
}

/// Reads the first `count` bytes of a file, or all. Throws `FileError` as `readFile` does.
package func readHead(_ path: String, count: Int = FileFormat.headLength) throws -> [UInt8] {
  let (descriptor, _) = try openForReading(path)
  defer { close(descriptor) }
  return try readChunk(descriptor, path: path, room: count)
}

/// Opens a regular file for reading and returns its descriptor and size in bytes. Throws `FileError`.
///
/// The caller closes the descriptor.
package func openForReading(_ path: String) throws -> (descriptor: Int32, size: Int) {
  // Without O_NONBLOCK, opening a pipe waits for a writer.
  let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
  guard descriptor >= 0 else { throw systemError(path, "cannot be opened", errno) }
  var status = stat()
  guard fstat(descriptor, &status) == 0 else {
    defer { close(descriptor) }
    throw systemError(path, "cannot be examined", errno)
  }
  if let fault = fault(status.st_mode) {
    close(descriptor)
    throw FileError(path: path, problem: fault.problem, nextStep: fault.nextStep)
  }
  return (descriptor, Int(status.st_size))
}

/// The reason why a file of that type cannot be read; nil for a regular file.
private func fault(_ mode: mode_t) -> (problem: String, nextStep: String)? {
  switch mode & S_IFMT {
  case S_IFREG: nil
  case S_IFDIR: ("is a folder, not a file", "name a file inside it")
  case S_IFIFO: ("is a pipe, not a file", "write it to a file first, and name that")
  case S_IFSOCK: ("is a socket, not a file", "name a file")
  default: ("is a device, not a file", "name a file")
  }
}

/// Reads up to `room` bytes, including those already read (`begun`); fewer only at the end of the file.
private func readChunk(_ descriptor: Int32, path: String, room: Int, after begun: [UInt8] = []) throws -> [UInt8] {
  try [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
    count = buffer[..<room].update(fromContentsOf: begun)
    while count < room, let start = buffer.baseAddress {
      let got = read(descriptor, start + count, room - count)
      if got < 0 && errno == EINTR { continue }
      guard got >= 0 else { throw systemError(path, "cannot be read", errno) }
      if got == 0 { return }
      count += got
    }
  }
}

private func tooLarge(_ path: String, size: String, limit: Int) -> FileError {
  FileError(
    path: path, problem: "holds \(size) bytes, the limit is \(limit)",
    nextStep: "check that this is the intended file")
}

/// The error for a failed system call, with the system's message for `code` and a matching next step.
package func systemError(_ path: String, _ problem: String, _ code: Int32) -> FileError {
  let words = strerror(code).map { String(cString: $0) } ?? "error \(code)"
  let nextStep =
    switch code {
    case ENOENT: "check the spelling, and that the folder exists"
    case ENOTDIR: "a part of the path is a file; name a folder there"
    case EACCES, EPERM, EROFS: "check the permissions of the file and its folder"
    case ENOSPC, EDQUOT: "free some space on that disk"
    case EISDIR: "name a file, not a folder"
    default: "check the path and the disk"
    }
  return FileError(path: path, problem: "\(problem) (\(words))", nextStep: nextStep)
}
