import Glibc
import Pictures

/// A file that only grows: each append is one write of whole lines or records.
final class AppendedFile {
  private let path: String
  private let descriptor: Int32
  /// Bytes so far.
  private(set) var length: Int

  /// Opens a file at its end, or makes it. Throws `FileError`.
  init(_ path: String) throws {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw systemError(path, "cannot be opened", errno) }
    length = Int(lseek(descriptor, 0, SEEK_END))
  }

  deinit { close(descriptor) }

  /// Throws `FileError` where the file system takes less than all; what it took of it is cut off again.
  func append(_ bytes: [UInt8]) throws {
    var done = 0
    while done < bytes.count {
      let put = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress.map { $0 + done }, bytes.count - done) }
      if put < 0 && errno == EINTR { continue }
      guard put > 0 else {
        let code = put < 0 ? errno : ENOSPC
        ftruncate(descriptor, off_t(length))
        throw systemError(path, "cannot be written", code)
      }
      done += put
    }
    length += done
  }

  func append(line: String) throws { try append(Array((line + "\n").utf8)) }

  /// Makes sure that what was appended survives a crash of the machine. Throws `FileError`.
  func synchronize() throws {
    guard fdatasync(descriptor) == 0 || errno == EINVAL else { throw systemError(path, "cannot be synced", errno) }
  }

  /// Cuts the file back to its first `length` bytes: to where a checkpoint left it. Throws `FileError`.
  func truncate(to length: Int) throws {
    precondition(length <= self.length, "\(path) of \(self.length) bytes cannot be cut to \(length)")
    guard ftruncate(descriptor, off_t(length)) == 0 else { throw systemError(path, "cannot be cut", errno) }
    self.length = length
  }
}

/// Names in a folder, sorted; none where it cannot be read.
func fileNames(in folder: String) -> [String] {
  guard let stream = opendir(folder) else { return [] }
  defer { closedir(stream) }
  var names: [String] = []
  while let entry = readdir(stream) {
    names.append(
      withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      })
  }
  return names.filter { $0 != "." && $0 != ".." }.sorted()
}

/// The size of a file in bytes; nil where there is none.
func fileSize(_ path: String) -> Int? {
  var status = stat()
  return stat(path, &status) == 0 ? Int(status.st_size) : nil
}
