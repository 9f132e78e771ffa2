import Pictures
import Testing

@Suite struct NPYTests {
  typealias NumPy = Fixtures.NumPy

  /// Files that NumPy wrote, with their shapes and values.
  static let arrays: [(bytes: [UInt8], array: NPY)] = [
    (NumPy.uint8, NPY(shape: [2, 3], .uint8([0, 50, 100, 150, 200, 250]))),
    (NumPy.flags, NPY(shape: [3], .flags([true, false, true]))),
    (NumPy.int32, NPY(shape: [2, 1], .int32([-1, 2_147_483_647]))),
    (NumPy.int64, NPY(shape: [], .int64([-(1 << 40)]))),
    (NumPy.float32, NPY(shape: [2, 2], .float32([0.5, -1.25, .infinity, 3]))),
    (NumPy.float64, NPY(shape: [2, 1, 1], .float64([0.1, -2e300]))),
    (NumPy.empty, NPY(shape: [0, 7], .float32([]))),
  ]

  @Test(arguments: arrays.indices)
  func numpysArraysAreReadAndWrittenByteForByte(index: Int) throws {
    let (bytes, array) = Self.arrays[index]
    #expect(try NPY(bytes: bytes) == array)
    #expect(array.bytes == bytes)
  }

  @Test func fortranOrderBecomesRowMajor() throws {
    #expect(try NPY(bytes: NumPy.fortran) == NPY(shape: [2, 3, 4], .uint8(Array(0..<24))))
  }

  @Test(arguments: [NumPy.version2, NumPy.version3])
  func laterVersionsAreRead(bytes: [UInt8]) throws {
    #expect(try NPY(bytes: bytes) == NPY(shape: [3], .uint8([0, 1, 2])))
  }

  @Test func otherTypesAreRefusedByName() {
    #expect(
      message { _ = try NPY(bytes: NumPy.named) }
        == "holds values of type with named fields, expected one of |u1, |i1, |b1, <u2, <i2, <u4, <i4, <i8, <f2, <f4, "
        + "<f8; convert the array with .astype, for instance to numpy.float32")
  }

  /// A NumPy header for the given type, followed by values.
  private func file(_ type: String, _ count: Int, _ values: [UInt8]) -> [UInt8] {
    let header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(count),), }\n"
    return Array(NumPy.uint8[..<8]) + [UInt8(header.utf8.count), 0] + Array(header.utf8) + values
  }

  @Test func typesOfBothByteOrdersAreRead() throws {
    #expect(try NPY(bytes: NumPy.uint16) == NPY(shape: [3], .uint16([0, 1, 2])))
    #expect(try NPY(bytes: NumPy.bigEndian) == NPY(shape: [3], .float32([0, 1, 2])))
    let wanted: [(type: String, count: Int, bytes: [UInt8], values: NPY.Values)] = [
      (">u2", 2, [1, 2, 0xFF, 0xFE], .uint16([258, 65534])), ("<i2", 2, [0xFF, 0xFF, 2, 1], .int16([-1, 258])),
      ("|i1", 2, [0x80, 0x7F], .int16([-128, 127])), ("<u4", 1, [0xFF, 0xFF, 0xFF, 0xFF], .int64([4_294_967_295])),
      (">i4", 1, [0, 0, 1, 0], .int32([256])),
      (">i8", 1, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE], .int64([-2])),
      // 1.5 and -2 in half precision.
      ("<f2", 2, [0, 0x3E, 0, 0xC0], .float32([1.5, -2])), (">f2", 1, [0x3E, 0], .float32([1.5])),
      (">f8", 1, [0x3F, 0xF8, 0, 0, 0, 0, 0, 0], .float64([1.5])),
    ]
    for (type, count, bytes, values) in wanted {
      let array = try NPY(bytes: file(type, count, bytes))
      #expect(array == NPY(shape: [count], values), "\(type)")
      #expect(try NPY(bytes: array.bytes) == array)
    }
  }

  /// 10^9 black images of one pixel, in an archive of one megabyte. Reading only the shape does not expand it.
  @Test func theShapeIsKnownBeforeAnArrayIsExpanded() throws {
    struct Seen: Error {}
    let zeros = NPY(shape: [1 << 20, 1], .uint8([UInt8](repeating: 0, count: 1 << 20)))
    var bytes = try NPZ.bytes([("images", zeros)])
    let entry = try Zip.entries(bytes)[0]
    // The last bytes of the packed values are damaged, so expanding them would fail.
    let end = entry.offset + 30 + entry.name.utf8.count + entry.compressedSize
    bytes[end - 1] ^= 0xFF
    var shape: [Int] = []
    #expect(throws: Seen.self) {
      try NPZ(bytes: bytes).array("images") {
        shape = $0
        throw Seen()
      }
    }
    #expect(shape == [1 << 20, 1])
    #expect(throws: FileError.self) { try NPZ(bytes: bytes).array("images") }
    // A header that does not match the entry's size is detected equally early.
    let lying = Array(NumPy.storedNPZ).replacing("(1, 3, 4)".utf8, with: "(9, 3, 4)".utf8)
    #expect(
      message { _ = try NPZ(bytes: lying).array("images") { _ in Issue.record("asked") } }.contains(
        "of shape (9, 3, 4)"))
  }

  @Test(arguments: [
    ("{'descr': '|u1', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", "which is not what |u1 values"),
    ("{'descr': '<f8', 'fortran_order': False, 'shape': (2305843009213693952,), }", "which is not what <f8 values"),
    ("{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,), }", "sizes below 2^63"),
    ("{'descr': '|u1', 'fortran_order': False, 'shape': (-3,), }", "not a tuple of sizes"),
    ("{'descr': '|u1', 'fortran_order': False, 'shape': (3), }", "not a tuple of sizes"),
    ("{'descr': '|u1', 'fortran_order': False, 'shape': (1 3), }", "not a tuple of sizes"),
    ("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }", "holds 3 bytes after the header"),
    ("{'descr': '|u1', 'fortran_order': 0, 'shape': (3,), }", "not True or False"),
    ("{'descr': '|u1', 'shape': (3,), }", "lacks descr, fortran_order or shape"),
    ("{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (3,), }", "'descr' twice"),
    ("{'descr': '|u1', 'fortran_order': False, 'shape': (3,), 'x': 1}", "a key in its header that is not"),
    ("{'descr': '|u1', 'fortran_order': False, 'shape': (3,), } x", "more in its header than one dict"),
    ("{'descr': '|u1', 'fortran_order': False, 'shape': (3,)", "'}' is missing"),
    ("{descr: '|u1'}", "not a dict of quoted keys"),
    ("__import__('os')", "'{' is missing"),
    ("", "'{' is missing"),
  ])
  func strangeHeadersAreRefused(header: String, problem: String) {
    let count = header.utf8.count
    let bytes = Array(NumPy.uint8[..<8]) + [UInt8(count & 255), UInt8(count >> 8)] + Array(header.utf8) + [1, 2, 3]
    #expect(message { _ = try NPY(bytes: bytes) }.contains(problem))
  }

  @Test func manyDimensionsAreRefused() {
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (\(String(repeating: "1, ", count: 65))), }"
    let count = header.utf8.count
    let bytes = Array(NumPy.uint8[..<8]) + [UInt8(count & 255), UInt8(count >> 8)] + Array(header.utf8) + [1]
    #expect(message { _ = try NPY(bytes: bytes) }.contains("has 65 dimensions, the limit is 64"))
  }

  /// The shape has a size of 0, so there are no values, but multiplying its other sizes would overflow.
  @Test func aSizeOfZeroHidesNoOverflow() {
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (0, 4611686018427387904, 4), }"
    let bytes = Array(NumPy.uint8[..<8]) + [UInt8(header.utf8.count), 0] + Array(header.utf8)
    #expect(message { _ = try NPY(bytes: bytes) }.contains("holds 0 bytes after the header, which is not what"))
  }

  @Test(arguments: arrays.map(\.bytes) + [NumPy.fortran, NumPy.version2])
  func damageThrowsOrGivesWholeArrays(bytes: [UInt8]) {
    for broken in damaged(bytes) {
      do {
        let array = try NPY(bytes: broken)
        #expect(array.values.count == array.shape.reduce(1, *))
      } catch {
        #expect(error is FileError)
      }
    }
    for end in bytes.indices {
      #expect(throws: FileError.self) { try NPY(bytes: Array(bytes[..<end])) }
    }
  }

  @Test func errorsNameTheFile() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/x.npy"
      try writeFileAtomically(NumPy.uint8 + [0], to: path)
      #expect(
        message { _ = try NPY(file: path) }
          == "\(path): holds 7 bytes after the header, which is not what |u1 values of shape (2, 3) take; "
          + "save the array again with numpy.save or numpy.savez")
      #expect(throws: FileError.self) { try NPY(file: path, limit: 20) }
    }
  }

  @Test(arguments: [NumPy.storedNPZ, NumPy.packedNPZ])
  func numpysArchivesAreRead(bytes: [UInt8]) throws {
    let archive = try NPZ(bytes: bytes)
    #expect(archive.names == ["images", "x"])
    #expect(try archive.array("images") == NPY(shape: [1, 3, 4], .uint8(Array(0..<12))))
    #expect(try archive.array("x") == NPY(shape: [1], .float32([1.5])))
    #expect(try archive.array("y") == nil)
    #expect(Set(archive.checksums.map(\.crc)).count == 2)
  }

  @Test func damagedArchivesThrowOrGiveWholeArrays() {
    for broken in damaged(NumPy.packedNPZ, flips: 1000) {
      do {
        let archive = try NPZ(bytes: broken, limit: 1 << 20)
        for name in archive.names {
          if let array = try archive.array(name) { #expect(array.values.count == array.shape.reduce(1, *)) }
        }
      } catch {
        #expect(error is FileError)
      }
    }
  }

  @Test func anExpandingArchiveStopsAtTheLimit() throws {
    let zeros = NPY(shape: [1 << 20], .uint8([UInt8](repeating: 0, count: 1 << 20)))
    let bytes = try NPZ.bytes([("zeros", zeros)])
    #expect(bytes.count < 4000)
    #expect(try NPZ(bytes: bytes).array("zeros") == zeros)
    #expect(
      message { _ = try NPZ(bytes: bytes, limit: 1 << 20).array("zeros") }.contains(
        "zeros.npy expands to 1048704 bytes, the limit is 1048576"))
    // An entry that holds more than it claims is detected before it is fully expanded.
    var lying = bytes
    let size = try #require(lying.indices.last { lying[$0...].starts(with: [0x80, 0, 0x10, 0]) })
    lying[size + 2] = 0
    #expect(throws: FileError.self) { try NPZ(bytes: lying, limit: 1 << 16).array("zeros") }
  }

  @Test func writtenArchivesAreReadBackAndNamesKeepTheirOrder() throws {
    let arrays = [("b", NPY(shape: [2], .float64([1, 2]))), ("a", NPY(shape: [], .flags([true])))]
    let bytes = try NPZ.bytes(arrays)
    #expect(bytes == (try NPZ.bytes(arrays)))
    let archive = try NPZ(bytes: bytes)
    #expect(archive.names == ["b", "a"])
    for (name, array) in arrays { #expect(try archive.array(name) == array) }
  }

  @Test func twoArraysOfOneNameAreRefused() throws {
    var bytes = try NPZ.bytes([("a", NPY(shape: [], .uint8([1]))), ("b", NPY(shape: [], .uint8([2])))])
    for index in bytes.indices where bytes[index...].starts(with: Array("b.npy".utf8)) {
      bytes[index] = UInt8(ascii: "a")
    }
    #expect(message { _ = try NPZ(bytes: bytes) }.contains("holds two arrays 'a'"))
    #expect(message { _ = try NPZ(bytes: [1, 2, 3]) }.contains("is not a zip archive"))
  }
}
