import CZlib

/// Zip archives in memory, with stored and deflated entries, as in `.npz` files and dataset downloads.
///
/// Archives over 4 GiB (ZIP64), split archives and encrypted entries are refused.
public enum Zip {
  /// A file or folder in an archive, as its central directory lists it.
  public struct Entry: Sendable, Equatable {
    /// The path inside the archive; the path of a folder ends in `/`.
    public let name: String
    /// The compression method. Only 0 (stored) and 8 (deflated) can be extracted.
    public let method: Int
    /// The number of bytes in the archive and after extraction.
    public let compressedSize, size: Int
    /// CRC-32 of the extracted bytes.
    public let crc: UInt32
    /// The offset of the entry's local header in bytes.
    public let offset: Int
    /// Whether the entry is encrypted, which `extract` refuses.
    public let isEncrypted: Bool
    /// Whether the entry is a folder.
    public var isFolder: Bool { name.hasSuffix("/") }
  }

  /// The archive's entries in the order of its central directory. Throws `FileError` if the directory is damaged.
  public static func entries(_ bytes: [UInt8]) throws -> [Entry] {
    try check(Array(bytes.prefix(FileFormat.headLength)))
    let end = try endRecord(bytes)
    let count = number(bytes, at: end + 10, bytes: 2)
    var position = number(bytes, at: end + 16, bytes: 4)
    let stop = position + number(bytes, at: end + 12, bytes: 4)
    guard count != 0xFFFF, stop < 0xFFFF_FFFF else {
      throw broken("is a ZIP64 archive", nextStep: "pack it again below 4 GiB and 65535 entries")
    }
    guard stop <= end else { throw broken("has a directory to byte \(stop), past its end record at byte \(end)") }
    var result: [Entry] = []
    result.reserveCapacity(min(count, (stop - position) / directoryHeader))
    for index in 0..<count {
      guard position + directoryHeader <= stop, number(bytes, at: position, bytes: 4) == 0x0201_4B50 else {
        throw broken("lists \(count) entries, but entry \(index + 1) has no header at byte \(position)")
      }
      let nameLength = number(bytes, at: position + 28, bytes: 2)
      let next =
        position + directoryHeader + nameLength + number(bytes, at: position + 30, bytes: 2)
        + number(bytes, at: position + 32, bytes: 2)
      guard next <= stop else { throw broken("has an entry \(index + 1) that runs past its directory") }
      result.append(entry(bytes, at: position, nameLength: nameLength))
      position = next
    }
    return result
  }

  /// Throws `FileError` if the first bytes are those of another known kind of file; the error names that kind.
  static func check(_ head: [UInt8]) throws {
    guard let kind = FileFormat(head), kind != .npz else { return }
    let words = FileFormat.words(head, wanted: "a zip archive")
    throw broken(words.problem, nextStep: words.nextStep ?? "name the archive, or fetch it again")
  }

  /// The first `count` bytes of an entry, or all. Throws `FileError` if the entry is damaged.
  static func extract(_ entry: Entry, from bytes: [UInt8], first count: Int) throws -> [UInt8] {
    guard !entry.isEncrypted, entry.method == 0 || entry.method == 8 else {
      // Throws the error that describes the problem.
      return try extract(entry, from: bytes, limit: count)
    }
    let data = try dataRange(of: entry, in: bytes)
    if entry.method == 0 { return Array(bytes[data].prefix(count)) }
    do {
      return try bytes.withUnsafeBufferPointer {
        try inflateHead(UnsafeBufferPointer(rebasing: $0[data]), format: .raw, count: min(count, entry.size))
      }
    } catch let failure as InflateFailure {
      throw broken("entry \(entry.name): \(Gzip.words(failure, limit: count))")
    }
  }

  /// The bytes of an entry of at most `limit` bytes. Throws `FileError` if the size or the CRC-32 does not match.
  public static func extract(_ entry: Entry, from bytes: [UInt8], limit: Int = 1 << 31) throws -> [UInt8] {
    guard !entry.isEncrypted else {
      throw broken("entry \(entry.name) is encrypted", nextStep: "pack it again without a password")
    }
    guard entry.size <= limit else {
      throw broken(
        "entry \(entry.name) expands to \(entry.size) bytes, the limit is \(limit)",
        nextStep: "check that this is the intended archive")
    }
    let data = try dataRange(of: entry, in: bytes)
    let result: [UInt8]
    switch entry.method {
    case 0: result = Array(bytes[data])
    case 8:
      do {
        result = try bytes.withUnsafeBufferPointer {
          try inflateStream(
            UnsafeBufferPointer(rebasing: $0[data]), format: .raw, expected: entry.size, limit: limit
          ).bytes
        }
      } catch let failure as InflateFailure {
        throw broken("entry \(entry.name): \(Gzip.words(failure, limit: limit))")
      }
    default:
      throw broken(
        "entry \(entry.name) is packed by method \(entry.method), expected 0 (stored) or 8 (deflated)",
        nextStep: "pack it again with deflate")
    }
    guard result.count == entry.size else {
      throw broken("entry \(entry.name) holds \(result.count) bytes, expected \(entry.size)")
    }
    let crc = UInt32(truncatingIfNeeded: crc32_z(0, result, result.count))
    guard crc == entry.crc else {
      throw broken(
        "entry \(entry.name) has CRC-32 \(String(crc, radix: 16)), expected \(String(entry.crc, radix: 16))")
    }
    return result
  }

  /// The number of bytes before the name in a central directory entry and in a local header.
  private static let directoryHeader = 46
  private static let localHeader = 30

  /// The offset of the end-of-central-directory record: 22 bytes plus a comment of up to 65535 bytes before the end.
  private static func endRecord(_ bytes: [UInt8]) throws -> Int {
    var position = bytes.count - 22
    while position >= max(0, bytes.count - 22 - 0xFFFF) {
      if bytes[position] == 0x50, number(bytes, at: position, bytes: 4) == 0x0605_4B50,
        position + 22 + number(bytes, at: position + 20, bytes: 2) == bytes.count
      {
        guard number(bytes, at: position + 4, bytes: 2) == 0 || number(bytes, at: position + 4, bytes: 2) == 0xFFFF
        else { throw broken("is one part of a split archive", nextStep: "join the parts first") }
        return position
      }
      position -= 1
    }
    throw broken("is not a zip archive, or was cut short: it has no end record")
  }

  private static func entry(_ bytes: [UInt8], at position: Int, nameLength: Int) -> Entry {
    let name = bytes[(position + directoryHeader)..<(position + directoryHeader + nameLength)]
    return Entry(
      name: String(decoding: name, as: UTF8.self), method: number(bytes, at: position + 10, bytes: 2),
      compressedSize: number(bytes, at: position + 20, bytes: 4), size: number(bytes, at: position + 24, bytes: 4),
      crc: UInt32(number(bytes, at: position + 16, bytes: 4)), offset: number(bytes, at: position + 42, bytes: 4),
      isEncrypted: bytes[position + 8] & 1 != 0)
  }

  /// The range of the entry's packed bytes. They follow the local header, which has its own name and extra-field
  /// lengths.
  private static func dataRange(of entry: Entry, in bytes: [UInt8]) throws -> Range<Int> {
    let offset = entry.offset
    guard offset >= 0, offset <= bytes.count - localHeader, number(bytes, at: offset, bytes: 4) == 0x0403_4B50 else {
      throw broken("entry \(entry.name) has no header at byte \(offset)")
    }
    let start =
      offset + localHeader + number(bytes, at: offset + 26, bytes: 2) + number(bytes, at: offset + 28, bytes: 2)
    guard entry.compressedSize >= 0, start <= bytes.count, entry.compressedSize <= bytes.count - start else {
      throw broken("entry \(entry.name) has \(entry.compressedSize) bytes from byte \(start), but the archive ends")
    }
    return start..<(start + entry.compressedSize)
  }

  /// A little-endian number of 2 or 4 bytes. The caller must check that the bytes exist.
  private static func number(_ bytes: [UInt8], at position: Int, bytes count: Int) -> Int {
    (0..<count).reduce(0) { $0 | Int(bytes[position + $1]) << (8 * $1) }
  }

  private static func broken(
    _ problem: String, nextStep: String = "fetch the archive again, it may have been cut short or damaged"
  ) -> FileError {
    FileError(problem: problem, nextStep: nextStep)
  }
}
