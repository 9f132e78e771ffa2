import Glibc
import Pictures

/// A file that only grows: each append is one write of whole lines or records.
final class AppendedFile {
  let path: String
  private let descriptor: Int32
  /// Bytes so far.
  private(set) var length: Int

  /// Opens a file of a folder at its end, or makes it. Throws `FileError`, also for what is no regular file of that
  /// folder alone (`OpenFolder.openToWrite`).
  init(_ name: String, in folder: OpenFolder) throws {
    path = folder.path(of: name)
    descriptor = try folder.openToWrite(name, O_RDWR | O_CREAT | O_APPEND)
    length = max(0, Int(lseek(descriptor, 0, SEEK_END)))
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

  /// Cuts the file back to its first `length` bytes; a shorter file stays as it is. Throws `FileError`.
  func truncate(to length: Int) throws {
    guard length < self.length else { return }
    guard ftruncate(descriptor, off_t(length)) == 0 else { throw systemError(path, "cannot be cut", errno) }
    self.length = length
  }

  /// Up to `count` bytes from `offset` on; fewer where the file ends. Throws `FileError`.
  func bytes(at offset: Int, count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let got = pread(descriptor, &bytes, count, off_t(offset))
    guard got >= 0 else { throw systemError(path, "cannot be read", errno) }
    return Array(bytes.prefix(got))
  }

  /// The end of the last whole line within the first `length` bytes: 0 where there is none. Throws `FileError`.
  func endOfLine(before length: Int) throws -> Int {
    var end = min(length, self.length)
    while end > 0 {
      let start = max(0, end - (1 << 16))
      let part = try bytes(at: start, count: end - start)
      if let newline = part.lastIndex(of: UInt8(ascii: "\n")) { return start + newline + 1 }
      end = start
    }
    return 0
  }
}
