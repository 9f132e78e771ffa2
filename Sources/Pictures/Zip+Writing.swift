import CZlib

extension Zip {
  /// The compression method for entries that are written.
  public enum Packing: Sendable {
    /// No compression.
    case stored
    /// Compression by deflate.
    case deflated
  }

  /// An archive of files in the given order. It contains no times, so that the same files give the same bytes.
  ///
  /// Requires names that differ. Throws `FileError` if ZIP64 would be needed: for 4 GiB in total, for 65535 files, and
  /// for names that are too long.
  public static func archive(_ files: [(name: String, bytes: [UInt8])], _ packing: Packing = .deflated) throws
    -> [UInt8]
  {
    precondition(Set(files.map(\.name)).count == files.count, "two files of an archive share a name")
    var bytes: [UInt8] = []
    var directory: [UInt8] = []
    for file in files {
      let name = Array(file.name.utf8)
      let packed =
        switch packing {
        case .stored: file.bytes
        case .deflated: try file.bytes.withUnsafeBufferPointer { try deflateStream($0, format: .raw, level: 6) }
        }
      guard name.count < 0xFFFF, file.bytes.count < 0xFFFF_FFFF, packed.count < 0xFFFF_FFFF, bytes.count < 0xFFFF_FFFF
      else { throw tooLarge("\(file.name) does not fit") }
      let description = entryDescription(name: name, packed: packed.count, of: file.bytes, packing)
      let offset = bytes.count
      bytes += number(0x0403_4B50, bytes: 4) + description
      // The local header ends with the lengths of the name and the extra field.
      bytes += name + packed
      directory += number(0x0201_4B50, bytes: 4) + number(20, bytes: 2) + description
      // The length of the comment, the disk number and the attributes.
      directory += [UInt8](repeating: 0, count: 10) + number(offset, bytes: 4) + name
    }
    guard files.count < 0xFFFF, bytes.count + directory.count < 0xFFFF_FFFF else {
      throw tooLarge("\(files.count) files of \(bytes.count) bytes do not fit")
    }
    let count = number(files.count, bytes: 2)
    return bytes + directory + number(0x0605_4B50, bytes: 4) + [0, 0, 0, 0] + count + count
      + number(directory.count, bytes: 4) + number(bytes.count, bytes: 4) + [0, 0]
  }

  /// The fields that the local header and the directory share, from the needed version to the length of the extra
  /// field.
  private static func entryDescription(name: [UInt8], packed: Int, of bytes: [UInt8], _ packing: Packing) -> [UInt8] {
    // Bit 11 marks the name as UTF-8.
    let flags = name.allSatisfy { $0 < 0x80 } ? 0 : 0x0800
    let method = packing == .stored ? 0 : 8
    // 1 January 1980, the earliest date in the format.
    let date = 1 << 5 | 1
    return number(20, bytes: 2) + number(flags, bytes: 2) + number(method, bytes: 2) + [0, 0] + number(date, bytes: 2)
      + number(Int(crc32_z(0, bytes, bytes.count)), bytes: 4) + number(packed, bytes: 4)
      + number(bytes.count, bytes: 4) + number(name.count, bytes: 2) + [0, 0]
  }

  /// A little-endian number.
  private static func number(_ value: Int, bytes count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  private static func tooLarge(_ problem: String) -> FileError {
    FileError(problem: "\(problem) into a zip archive without ZIP64", nextStep: "write less into one file")
  }
}
