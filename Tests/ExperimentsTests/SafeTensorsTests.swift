import Foundation
import Tensors
import TestKit
import Testing

@testable import Experiments

struct SafeTensorsTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A file with that header, and `count` bytes after it.
  private func file(_ header: String, bytes count: Int = 0, length: UInt64? = nil) throws -> String {
    let head = (0..<8).map { UInt8(truncatingIfNeeded: (length ?? UInt64(header.utf8.count)) >> (8 * UInt64($0))) }
    return try folder.write(head + header.utf8 + [UInt8](repeating: 0, count: count), to: "made.safetensors")
  }

  private func complaintAbout(_ header: String, bytes: Int = 0, length: UInt64? = nil) throws -> String {
    let path = try file(header, bytes: bytes, length: length)
    var words = ""
    do { _ = try SafeTensors.read(path) } catch let error as RunError { words = error.description }
    #expect(words.hasPrefix("\(path): not a usable safetensors file: "))
    return words
  }

  private func entry(_ shape: String, _ offsets: String, dtype: String = "F32") -> String {
    "{\"dtype\":\"\(dtype)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
  }

  @Test func tensorsAndMetadataComeBackAsTheyWere() throws {
    let tensors: [(name: String, tensor: Tensor)] = [
      ("a.weight", .normals([3, 4])), ("scalar", Tensor(-0.0)), ("none", .zeros([0, 2])),
      ("b/\"quoted\" ü", .normals([5])),
      ("extreme", Tensor(shape: [4], [.infinity, -.infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude])),
    ]
    let metadata = [("step", "12"), ("config", "model:\n\tname: \"air\" \\ \u{1}\n"), ("empty", "")]
    let path = "\(folder.path)/whole.safetensors"
    try SafeTensors.write(tensors, metadata: metadata, to: path)
    let contents = try SafeTensors.read(path)
    #expect(contents.metadata == Dictionary(uniqueKeysWithValues: metadata))
    #expect(Set(contents.tensors.keys) == Set(tensors.map(\.name)))
    for (name, tensor) in tensors {
      let found = try #require(contents.tensors[name])
      #expect(found.shape == tensor.shape)
      #expect(found.array().map(\.bitPattern) == tensor.array().map(\.bitPattern), "\(name)")
    }
  }

  @Test func dataStartsAtAMultipleOfEightBytesLittleEndian() throws {
    let path = "\(folder.path)/one.safetensors"
    for name in ["a", "ab", "abc", "abcdefghi"] {
      try SafeTensors.write([(name, Tensor(shape: [1], [1.5]))], to: path)
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      #expect(bytes.count % 8 == 4 && bytes[8] == UInt8(ascii: "{"))
      #expect(bytes.suffix(4) == [0x00, 0x00, 0xC0, 0x3F])
    }
  }

  /// The parity fixtures were written by the Python package `safetensors`, whose entries are in an order of their own.
  @Test func filesWrittenByPythonAreRead() throws {
    let contents = try #require(StepFixture.all.first).read()
    #expect(contents.metadata["torch"] != nil)
    let images = try #require(contents.tensors["images"])
    #expect(images.shape == [4, 1, 16, 16])
    #expect(images.array().allSatisfy { (0...1).contains($0) } && images.array().contains(1))
  }

  @Test func anEmptyHeaderIsAnEmptyFile() throws {
    let contents = try SafeTensors.read(try file("{}      "))
    #expect(contents.tensors.isEmpty && contents.metadata.isEmpty)
  }

  @Test func truncatedFilesAreRefused() throws {
    let path = "\(folder.path)/whole.safetensors"
    try SafeTensors.write([("a", .normals([3]))], metadata: [("step", "1")], to: path)
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    for count in 0..<bytes.count {
      let part = try folder.write(bytes[..<count], to: "part.safetensors")
      #expect(throws: RunError.self, "\(count) of \(bytes.count) bytes") { try SafeTensors.read(part) }
    }
  }

  @Test(arguments: [1 << 60, 1 << 63, .max, 100_000_001, 11] as [UInt64])
  func aHeaderLongerThanTheFileIsRefused(_ length: UInt64) throws {
    #expect(try complaintAbout("{}", bytes: 8, length: length).contains("the header claims \(length) bytes"))
  }

  @Test func headersThatAreNoMapOfTensorsAreRefused() throws {
    #expect(try complaintAbout("[]").contains("not a map"))
    #expect(try complaintAbout("{\"a\":").contains("not JSON"))
    #expect(try complaintAbout("{} {}").contains("not JSON"))
    #expect(try complaintAbout(String(repeating: "[", count: 100_000)).contains("nesting is too deep"))
    #expect(try complaintAbout("{\"a\":7}").contains("a is not a map"))
    #expect(try complaintAbout("{\"a\":{}}").contains("a is not described"))
    #expect(try complaintAbout("{\"__metadata__\":[]}").contains("__metadata__ is not a map"))
    #expect(try complaintAbout("{\"__metadata__\":{\"step\":1}}").contains("step in __metadata__ is not a text"))
  }

  @Test(arguments: ["F64", "BF16", "I32", "f32", ""]) func otherTypesAreRefused(_ dtype: String) throws {
    let header = "{\"a\":\(entry("[1]", "[0,4]", dtype: dtype))}"
    #expect(try complaintAbout(header, bytes: 4).contains("a is not described as an F32 tensor"))
  }

  @Test(arguments: ["[-1]", "[1.0]", "\"1\"", "[[1]]", "{}", "null"]) func otherShapesAreRefused(_ shape: String) throws
  {
    #expect(try complaintAbout("{\"a\":\(entry(shape, "[0,4]"))}", bytes: 4).contains("a is not described"))
  }

  @Test(arguments: [
    "[4611686018427387904,4]", "[4294967296,4294967296]", "[9223372036854775807]", "[3037000500,3037000500,0]",
    "[0,3037000500,3037000500]",
  ])
  func shapesThatOverflowAreRefused(_ shape: String) throws {
    #expect(try complaintAbout("{\"a\":\(entry(shape, "[0,0]"))}").contains("the shape of a is too large"))
  }

  @Test(arguments: [
    "[0,8]", "[4,0]", "[-4,0]", "[1,5]", "[4,8]", "[0,9223372036854775807]", "[-9223372036854775808,4]",
    "[5,-9223372036854775808]", "[9223372036854775807,9223372036854775807]",
  ])
  func offsetsThatDoNotHoldTheShapeInTheFileAreRefused(_ offsets: String) throws {
    #expect(try complaintAbout("{\"a\":\(entry("[1]", offsets))}", bytes: 4).contains("a spans bytes"))
  }

  @Test func overlapsGapsAndBytesOfNobodyAreRefused() throws {
    func both(_ first: String, _ second: String) -> String {
      "{\"a\":\(entry("[1]", first)),\"b\":\(entry("[1]", second))}"
    }
    #expect(try SafeTensors.read(try file(both("[4,8]", "[0,4]"), bytes: 8)).tensors.count == 2)
    #expect(try complaintAbout(both("[0,4]", "[0,4]"), bytes: 8).contains("overlap"))
    #expect(try complaintAbout(both("[0,4]", "[2,6]"), bytes: 8).contains("overlap at byte 4"))
    #expect(try complaintAbout(both("[0,4]", "[8,12]"), bytes: 12).contains("gap or an overlap at byte 4"))
    #expect(try complaintAbout(both("[4,8]", "[8,12]"), bytes: 12).contains("gap or an overlap at byte 0"))
    #expect(try complaintAbout(both("[0,4]", "[4,8]"), bytes: 11).contains("3 bytes belong to no tensor"))
    #expect(try complaintAbout("{}", bytes: 1).contains("1 bytes belong to no tensor"))
  }

  @Test func namesThatStandTwiceAreRefused() throws {
    let tensor = entry("[1]", "[0,4]")
    #expect(try complaintAbout("{\"a\":\(tensor),\"a\":\(tensor)}", bytes: 4).contains("has a key twice"))
    #expect(try complaintAbout("{\"__metadata__\":{},\"__metadata__\":{}}").contains("has a key twice"))
    #expect(try complaintAbout("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}").contains("__metadata__ has a key twice"))
    let twice = "{\"dtype\":\"F32\",\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,4]}"
    #expect(try complaintAbout("{\"a\":\(twice)}", bytes: 4).contains("a has a key twice"))
  }

  /// 85 MB of brackets would cost gigabytes to read.
  @Test func aHeaderLargerThanItsLimitIsRefusedUnread() throws {
    let path = "\(folder.path)/large"
    let length = SafeTensorsHeader.longest + 8
    let head = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
    try folder.write(head, to: "large")
    #expect(truncate(path, off_t(8 + length)) == 0)
    #expect(complaint { _ = try SafeTensors.read(path) }.contains("the limit is \(SafeTensorsHeader.longest)"))
  }

  /// A file that claims a tensor of 1 TiB, and has that size on the disk without taking room there.
  @Test func nothingLargerThanTheModelIsReadOfACheckpoint() throws {
    let name = "parameters/head.output.bias"
    let path = try file("{\"\(name)\":\(entry("[\(1 << 38)]", "[0,\(1 << 40)]"))}")
    let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
    #expect(truncate(path, off_t(size + (1 << 40))) == 0)
    let bench = try workbench(try tiny())
    let words = complaint { _ = try Checkpoint.restore(bench, from: path) }
    #expect(words.contains(" is missing in this checkpoint") || words.contains("has shape [\(1 << 38)]"), "\(words)")
    #expect(complaint { try Checkpoint.initialize(bench, from: path) }.contains(path))
  }

  @Test func pipesFoldersAndDevicesAreNotRead() throws {
    let path = "\(folder.path)/odd"
    #expect(mkfifo(path, 0o600) == 0)
    for (path, what) in [(path, "a named pipe"), (folder.path, "a folder"), ("/dev/zero", "a device or a socket")] {
      #expect(
        complaint { _ = try SafeTensors.read(path) }
          == "\(path): is \(what), not a regular file; put the file in its place")
    }
  }

  @Test func aMissingFileIsNamed() {
    #expect(complaint { _ = try SafeTensors.read("\(folder.path)/nothing") }.contains("\(folder.path)/nothing"))
  }
}
