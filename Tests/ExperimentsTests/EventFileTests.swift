import Foundation
import Pictures
import Testing

@testable import Experiments

/// The records of an event file, every checksum checked by a table-free computation of its own.
func eventPayloads(_ bytes: [UInt8]) throws -> [[UInt8]] {
  func number(_ at: Int, _ count: Int) throws -> UInt64 {
    guard at + count <= bytes.count else { throw EventFault.cutShort }
    return (0..<count).reduce(0) { $0 | UInt64(bytes[at + $1]) << UInt64(8 * $1) }
  }
  func masked(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    var crc: UInt32 = ~0
    for byte in bytes {
      for bit in 0..<8 {
        let isOdd = (crc ^ UInt32(byte) >> UInt32(bit)) & 1 == 1
        crc = crc >> 1 ^ (isOdd ? 0x82F6_3B78 : 0)
      }
    }
    crc = ~crc
    return UInt64(UInt32(truncatingIfNeeded: UInt64(crc >> 15 | crc << 17) + 0xA282_EAD8))
  }
  var payloads: [[UInt8]] = []
  var at = 0
  while at < bytes.count {
    let length = Int(try number(at, 8))
    guard try number(at + 8, 4) == masked(bytes[at..<at + 8]) else { throw EventFault.checksum }
    let end = at + 12 + length
    let sum = try number(end, 4)
    guard sum == masked(bytes[at + 12..<end]) else { throw EventFault.checksum }
    payloads.append(Array(bytes[at + 12..<end]))
    at = end + 4
  }
  return payloads
}

enum EventFault: Error { case cutShort, checksum }

struct EventFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func bytes() throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: try #require(try EventFile.path(in: folder.path)))))
  }

  private func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { String(format: "%02x", $0) }.joined()
  }

  /// The checksum's published check value.
  @Test func checksumsAreThoseOfTheStandard() {
    #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
    #expect(CRC32C.masked(Array("123456789".utf8)) == 0xC78A_B0E5)
    #expect(CRC32C.checksum([]) == 0)
  }

  /// Bytes that TensorFlow writes for the same events (the format notes of the project).
  @Test func theFirstRecordsAreThoseThatTensorFlowWrites() throws {
    let file = try EventFile(in: try OpenFolder(folder.path))
    let head = "1800000000000000a37f4b22090000000000000000" + "1a0d627261696e2e4576656e743a32eedf28a3"
    #expect(hexadecimal(try bytes()) == head)
    try file.append([("loss", 1.5)], step: 1)
    // The published record has step 7 at wall time 1; ours at step 1 differs in that byte and the checksum.
    let record = try #require(try eventPayloads(try bytes()).last)
    #expect(hexadecimal(record) == "09000000000000f03f10012a0d0a0b0a046c6f7373150000c03f")
  }

  @Test func anExistingFileIsGoneOnWithAndCutBack() throws {
    var file: EventFile? = try EventFile(in: try OpenFolder(folder.path))
    try file?.append([("a", 1), ("b", -2)], step: 3)
    let length = try #require(file?.length)
    let before = try bytes()
    #expect(before.count == length)
    try file?.append([("a", 5)], step: 4)
    file = nil
    let again = try EventFile(in: try OpenFolder(folder.path))
    #expect(again.length > length)
    try again.truncate(to: length)
    #expect(try bytes() == before)
    try again.truncate(to: 0)
    #expect(try eventPayloads(try bytes()).count == 1)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 1)
  }

  @Test func stepsOfAnySizeAreVariableLengthNumbers() throws {
    let file = try EventFile(in: try OpenFolder(folder.path))
    try file.append([("x", 0)], step: 300)
    let record = try #require(try eventPayloads(try bytes()).last)
    #expect(hexadecimal(record.dropFirst(9).prefix(3)) == "10ac02")
  }

  @Test func picturesAreHeldAsPNGWithTheirSize() throws {
    let file = try EventFile(in: try OpenFolder(folder.path))
    let picture = Picture(width: 5, height: 3, channels: 1, fill: 7)
    let png = try picture.png()
    try file.append("scenes", picture, png: png, step: 2)
    let record = try #require(try eventPayloads(try bytes()).last)
    let text = hexadecimal(record)
    // height 3, width 5, one channel, then the PNG.
    #expect(text.contains("08031005" + "1801" + "22" + String(format: "%02x", png.count) + hexadecimal(png)))
    #expect(text.contains(hexadecimal("scenes".utf8)))
  }
}
