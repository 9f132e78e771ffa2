import Glibc

/// All bytes of a file or pipe, at most `limit` of them; throws `FileError`.
public func readFile(_ path: String, limit: Int = 1 << 31) throws -> [UInt8] {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw systemError(path, "cannot be opened", errno) }
  defer { close(descriptor) }
  var status = stat()
  guard fstat(descriptor, &status) == 0 else { throw systemError(path, "cannot be examined", errno) }
  guard status.st_mode & S_IFMT != S_IFDIR else {
    throw FileError(path: path, problem: "is a folder, not a file", nextStep: "name a file inside it")
  }
  let size = Int(status.st_size)
  guard size <= limit else { throw tooLarge(path, size: "\(size)", limit: limit) }

  // A file of known size is read in one go; the byte to spare shows that it ended there.
  var bytes: [UInt8] = []
  var room = min(size, limit) + 1
  while true {
    let chunk = try readChunk(descriptor, path: path, room: room)
    if bytes.isEmpty { bytes = chunk } else { bytes += chunk }
    guard bytes.count <= limit else { throw tooLarge(path, size: "over \(limit)", limit: limit) }
    if chunk.count < room { return bytes }
    room = max(1, min(max(bytes.count, 1 << 16), limit - bytes.count + 1))
  }
}

/// Up to `room` bytes; fewer only at the end of the file.
private func readChunk(_ descriptor: Int32, path: String, room: Int) throws -> [UInt8] {
  try [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
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

/// The error for a failed system call, with the system's words for `code` and a next step that fits it.
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
