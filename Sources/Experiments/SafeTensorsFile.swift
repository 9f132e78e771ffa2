import Glibc
import Pictures
import Tensors

/// An open safetensors file. Its header is read and checked against the size of the file, and tensors are read on
/// request.
///
/// Memory is only needed for the header (at most `SafeTensorsHeader.longest` bytes) and the requested tensors, whatever
/// size the file claims to have.
final class SafeTensorsFile {
  let path: String
  let header: SafeTensorsHeader
  private let descriptor: Int32
  private let start: Int

  /// Throws `RunError` if the contents are not valid, and `FileError` if the file cannot be read or is not a regular
  /// file.
  init(_ path: String) throws {
    let descriptor = try openRegularFile(path)
    do {
      var status = stat()
      guard fstat(descriptor, &status) == 0 else { throw systemError(path, "cannot be examined", errno) }
      let size = Int(status.st_size)
      func bytes(_ offset: Int, _ count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, read in
          read = try Self.read(descriptor, path, UnsafeMutableRawBufferPointer(buffer), at: offset)
        }
      }
      let length = try SafeTensorsHeader.length(try bytes(0, min(8, size)), fileSize: size, name: path)
      start = 8 + length
      header = try SafeTensorsHeader(try bytes(8, length), dataSize: size - start, name: path)
    } catch {
      close(descriptor)
      throw error
    }
    (self.path, self.descriptor) = (path, descriptor)
  }

  deinit { close(descriptor) }

  /// Reads the tensor with this name, which the header must list. Throws `RunError` if the file has become shorter, and
  /// `FileError`.
  func tensor(_ name: String) throws -> Tensor {
    guard let entry = header.entries[name] else { throw SafeTensorsHeader.broken(path, "it has no \(name)") }
    var failure: (any Error)?
    let tensor = Tensor(shape: entry.shape) { out in
      do {
        let count = try Self.read(
          descriptor, path, UnsafeMutableRawBufferPointer(out), at: start + entry.range.lowerBound)
        if count < entry.range.count { failure = SafeTensorsHeader.broken(path, "it became shorter while it was read") }
      } catch let error {
        failure = error
      }
    }
    if let failure { throw failure }
    return tensor
  }

  /// Fills a buffer up to the end of the file. Returns the number of bytes read.
  private static func read(
    _ descriptor: Int32, _ path: String, _ buffer: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws -> Int {
    var done = 0
    while done < buffer.count, let start = buffer.baseAddress {
      let got = pread(descriptor, start + done, buffer.count - done, off_t(offset + done))
      if got < 0 && errno == EINTR { continue }
      guard got >= 0 else { throw systemError(path, "cannot be read", errno) }
      if got == 0 { break }
      done += got
    }
    return done
  }
}
