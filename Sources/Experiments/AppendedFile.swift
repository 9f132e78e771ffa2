import Glibc
import Pictures

/// A file that only grows. Each append adds whole lines or whole records.
final class AppendedFile {
  let path: String
  private let descriptor: Int32
  /// The current length in bytes.
  private(set) var length: Int

  /// Opens a file of a folder for appending, or creates it.
  ///
  /// Throws `FileError`, also if the name is not a regular file that belongs to this folder alone (see
  /// `OpenFolder.openToWrite`).
  init(_ name: String, in folder: OpenFolder) throws {
    path = folder.path(of: name)
    descriptor = try folder.openToWrite(name, O_RDWR | O_CREAT | O_APPEND)
    length = max(0, Int(lseek(descriptor, 0, SEEK_END)))
  }

  deinit { close(descriptor) }

  /// Appends all bytes. If the file system accepts only a part of them, the part is cut off again and `FileError` is
  /// thrown.
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

  /// Makes sure that the appended bytes survive a crash of the machine. Throws `FileError`.
  func synchronize() throws {
    guard fdatasync(descriptor) == 0 || errno == EINVAL else { throw systemError(path, "cannot be synced", errno) }
  }

  /// Cuts the file to its first `length` bytes. A shorter file does not change. Throws `FileError`.
  func truncate(to length: Int) throws {
    guard length < self.length else { return }
    guard ftruncate(descriptor, off_t(length)) == 0 else { throw systemError(path, "cannot be cut", errno) }
    self.length = length
  }

  /// Reads up to `count` bytes from `offset` on, fewer at the end of the file. Throws `FileError`.
  func bytes(at offset: Int, count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let got = pread(descriptor, &bytes, count, off_t(offset))
    guard got >= 0 else { throw systemError(path, "cannot be read", errno) }
    return Array(bytes.prefix(got))
  }

  /// The end of the last whole line within the first `length` bytes, or 0 if there is none. Throws `FileError`.
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
