import Glibc
import Pictures

/// A file in CASIA's GNT format: gray images of handwritten characters of various sizes, one after the other.
///
/// A record has its length in bytes (4 bytes, little-endian: 10 + width x height), the character (2 bytes of GBK, high
/// byte first), width and height (2 bytes each, little-endian), and the pixels, row by row; 255 is paper.
struct GNTFile: Sendable {
  /// An image within a file.
  struct Record: Sendable {
    /// The position at which the record begins.
    let offset: Int
    /// The character's two bytes, the first one as the high byte.
    let code: UInt16
    let width, height: Int

    /// The range of its pixels in the file.
    var pixels: Range<Int> { offset + GNTFile.header..<offset + GNTFile.header + width * height }
  }

  /// The bytes before the pixels.
  static let header = 10
  /// The largest number of images in a file; the largest files of CASIA have some thousands.
  static let mostRecords = 1 << 20
  /// The largest height or width; CASIA's characters have at most about 300 pixels.
  static let largestSide = 1024

  let path: String
  let records: [Record]

  /// Reads the positions and characters of the images, but no pixels. Throws `DatasetError` and `FileError`.
  init(path: String) throws {
    let file = try OpenFile(path)
    self.path = path
    records = try Self.records(length: file.length, name: path) { offset in
      try file.read(at: offset, count: Self.header)
    }
  }

  /// The records of a file of this length. `read` returns the 10 bytes at an offset. Throws `DatasetError`.
  static func records(length: Int, name: String, read: (Int) throws -> [UInt8]) throws -> [Record] {
    func fault(_ offset: Int, _ problem: String) -> DatasetError {
      .unusable(
        place: name, problem: "\(problem) (the record at byte \(offset))",
        remedy: "get the file again from its source, or take it out of the folder")
    }
    var records: [Record] = []
    var offset = 0
    while offset < length {
      guard length - offset >= header else { throw fault(offset, "ends after \(length - offset) bytes of a record") }
      let bytes = try read(offset).map(Int.init)
      let size = bytes[0] | bytes[1] << 8 | bytes[2] << 16 | bytes[3] << 24
      let (width, height) = (bytes[6] | bytes[7] << 8, bytes[8] | bytes[9] << 8)
      guard (1...largestSide).contains(width), (1...largestSide).contains(height) else {
        throw fault(offset, "has an image of \(height) x \(width) pixels, expected 1 to \(largestSide) each way")
      }
      guard size == header + width * height else {
        throw fault(
          offset,
          "says that a record has \(size) bytes, which for \(height) x \(width) pixels are \(header + width * height)")
      }
      guard length - offset >= size else {
        throw fault(offset, "ends after \(length - offset) of a record's \(size) bytes")
      }
      guard records.count < mostRecords else { throw fault(offset, "has more than \(mostRecords) images") }
      records.append(
        Record(offset: offset, code: UInt16(bytes[4] << 8 | bytes[5]), width: width, height: height))
      offset += size
    }
    guard !records.isEmpty else { throw fault(0, "is empty") }
    return records
  }

  /// Passes each record and its ink, 0 to 255, to `body`, in order. Throws `FileError`, and `DatasetError` if the file
  /// has changed.
  func ink(of records: some Sequence<Record>, _ body: (Record, [UInt8]) -> Void) throws {
    let file = try OpenFile(path)
    for record in records {
      var pixels = try file.read(at: record.pixels.lowerBound, count: record.pixels.count)
      for index in pixels.indices { pixels[index] = 255 - pixels[index] }
      body(record, pixels)
    }
  }
}

/// An open file that is read in pieces.
private struct OpenFile: ~Copyable {
  let path: String
  let length: Int
  private let descriptor: Int32

  init(_ path: String) throws {
    (descriptor, length) = try Self.open(path)
    self.path = path
  }

  deinit { close(descriptor) }

  /// Reads this range of bytes. Throws `DatasetError` if it cannot be read in full.
  func read(at offset: Int, count: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count, let start = buffer.baseAddress {
        let got = pread(descriptor, start + filled, count - filled, off_t(offset + filled))
        if got < 0, errno == EINTR { continue }
        guard got > 0 else {
          let reason = got < 0 ? String(cString: strerror(errno)) : "it has become shorter"
          throw Self.unreadable(path, "cannot be read at byte \(offset + filled) (\(reason))")
        }
        filled += got
      }
    }
  }

  private static func open(_ path: String) throws -> (descriptor: Int32, length: Int) {
    do {
      let file = try openForReading(path)
      return (file.descriptor, file.size)
    } catch let error as FileError {
      throw DatasetError.unusable(place: path, problem: error.problem, remedy: error.nextStep)
    }
  }

  private static func unreadable(_ path: String, _ problem: String) -> DatasetError {
    .unusable(place: path, problem: problem, remedy: "check the file and its permissions")
  }
}
