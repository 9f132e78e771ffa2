import Glibc
import Pictures

/// A TensorBoard event file: scalars and pictures, appended record by record.
///
/// The wall time of a record is its training step, so that a resumed run writes the same bytes as an uninterrupted one.
final class EventFile {
  private let file: AppendedFile

  /// Opens the `events.out.tfevents.*` file of a folder, or creates one. Throws `FileError`.
  init(in folder: OpenFolder) throws {
    file = try AppendedFile(
      EventFile.name(among: try folder.names()) ?? "\(prefix)\(time(nil)).\(hostName())", in: folder)
    if file.length == 0 { try writeHead() }
  }

  /// The path of a folder's event file; nil if there is none. Throws `FileError` if the folder cannot be listed.
  static func path(in folder: String) throws -> String? {
    name(among: try fileNames(in: folder)).map { "\(folder)/\($0)" }
  }

  private static func name(among names: [String]) -> String? { names.first { $0.hasPrefix(prefix) } }

  var path: String { file.path }
  var length: Int { file.length }
  func synchronize() throws { try file.synchronize() }

  /// Cuts the file to a length. A file that is then empty gets a new header record.
  func truncate(to length: Int) throws {
    try file.truncate(to: length)
    if file.length == 0 { try writeHead() }
  }

  /// The end of the last whole record within the first `length` bytes. Throws `FileError`.
  func endOfRecord(before length: Int) throws -> Int {
    let limit = min(length, file.length)
    var end = 0
    while end < limit {
      let head = try file.bytes(at: end, count: 8)
      guard head.count == 8 else { break }
      let size = head.enumerated().reduce(UInt64(0)) { $0 | UInt64($1.element) << UInt64(8 * $1.offset) }
      // 16 bytes surround the payload: its length and two checksums.
      guard size <= UInt64(limit), end + 16 + Int(size) <= limit else { break }
      end += 16 + Int(size)
    }
    return end
  }

  /// Appends one record per value.
  func append(_ values: [(name: String, value: Double)], step: Int) throws {
    try file.append(
      values.flatMap { name, value in
        var entry = ProtobufMessage()
        entry.text(1, name)
        entry.float(2, Float(value))
        return record(entry, step: step)
      })
  }

  func append(_ name: String, _ picture: Picture, png: [UInt8], step: Int) throws {
    var image = ProtobufMessage()
    image.integer(1, picture.height)
    image.integer(2, picture.width)
    image.integer(3, picture.channels)
    image.bytes(4, png)
    var entry = ProtobufMessage()
    entry.text(1, name)
    entry.bytes(4, image.encoded)
    try file.append(record(entry, step: step))
  }

  private func writeHead() throws {
    var event = ProtobufMessage()
    event.double(1, 0)
    event.text(3, "brain.Event:2")
    try file.append(Self.record(event))
  }

  private func record(_ value: ProtobufMessage, step: Int) -> [UInt8] {
    var summary = ProtobufMessage()
    summary.bytes(1, value.encoded)
    var event = ProtobufMessage()
    event.double(1, Double(step))
    event.integer(2, step)
    event.bytes(5, summary.encoded)
    return Self.record(event)
  }

  /// A record: length, masked checksum of the length, payload, masked checksum of the payload.
  private static func record(_ event: ProtobufMessage) -> [UInt8] {
    let length = littleEndian(UInt64(event.encoded.count))
    return length + littleEndian(CRC32C.masked(length)) + event.encoded
      + littleEndian(CRC32C.masked(event.encoded))
  }
}

private let prefix = "events.out.tfevents."

/// An encoder for the kinds of protobuf fields that events need.
struct ProtobufMessage {
  private(set) var encoded: [UInt8] = []

  mutating func integer(_ field: Int, _ value: Int) {
    varint(UInt64(field) << 3)
    varint(UInt64(bitPattern: Int64(value)))
  }

  mutating func double(_ field: Int, _ value: Double) {
    varint(UInt64(field) << 3 | 1)
    encoded += littleEndian(value.bitPattern)
  }

  mutating func float(_ field: Int, _ value: Float) {
    varint(UInt64(field) << 3 | 5)
    encoded += littleEndian(value.bitPattern)
  }

  mutating func bytes(_ field: Int, _ value: [UInt8]) {
    varint(UInt64(field) << 3 | 2)
    varint(UInt64(value.count))
    encoded += value
  }

  mutating func text(_ field: Int, _ value: String) { bytes(field, Array(value.utf8)) }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      encoded.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    encoded.append(UInt8(rest))
  }
}

/// CRC-32C (Castagnoli), the checksum of event files.
enum CRC32C {
  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
  }

  static func checksum(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(~0) { crc, byte in table[Int((crc ^ UInt32(byte)) & 0xFF)] ^ crc >> 8 }
  }

  /// The checksum rotated and offset, so that it also works for data that contains checksums.
  static func masked(_ bytes: [UInt8]) -> UInt32 {
    let crc = checksum(bytes)
    return (crc >> 15 | crc << 17) &+ 0xA282_EAD8
  }
}

private func littleEndian<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

/// The name of this machine.
func hostName() -> String {
  var name = [CChar](repeating: 0, count: 256)
  gethostname(&name, 255)
  return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
