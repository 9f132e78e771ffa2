import Pictures
import Testing

@Suite struct ZipTests {
  @Test func pythonsEntriesAreListedAndExtracted() throws {
    let entries = try Zip.entries(Fixtures.zip)
    #expect(entries.map(\.name) == ["a/", "a/stored.txt", "a/deflated.txt"])
    #expect(entries.map(\.method) == [0, 0, 8])
    #expect(entries.map(\.size) == [0, 5, 80])
    #expect(entries.map(\.isFolder) == [true, false, false])
    let contents = try entries.map { try Zip.extract($0, from: Fixtures.zip, limit: 80) }
    #expect(contents == [[], Array("hello".utf8), Array(String(repeating: "ab", count: 40).utf8)])
  }

  @Test func numpysArchiveIsRead() throws {
    let entry = try #require(Zip.entries(Fixtures.npz).first)
    #expect(entry.name == "x.npy")
    let bytes = try Zip.extract(entry, from: Fixtures.npz)
    #expect(bytes.starts(with: [0x93] + Array("NUMPY".utf8)))
    #expect(bytes.suffix(3) == [1, 2, 3])
  }

  @Test func theLimitHolds() throws {
    let entry = try #require(Zip.entries(Fixtures.zip).last)
    #expect(
      message { _ = try Zip.extract(entry, from: Fixtures.zip, limit: 79) }.contains(
        "a/deflated.txt expands to 80 bytes, the limit is 79"))
  }

  @Test func aChangedByteFailsTheChecksum() throws {
    var broken = Fixtures.zip
    let hello = try #require(broken.indices.first { broken[$0...].starts(with: Array("hello".utf8)) })
    broken[hello] = UInt8(ascii: "j")
    let entry = try Zip.entries(broken)[1]
    #expect(message { _ = try Zip.extract(entry, from: broken) }.contains("has CRC-32"))
  }

  @Test(arguments: [Fixtures.zip, Fixtures.npz])
  func damagedArchivesThrowOrExtract(bytes: [UInt8]) {
    for broken in damaged(bytes, flips: 1000) {
      do {
        for entry in try Zip.entries(broken) {
          // Entries are extracted separately, so that a failure does not hide the next one.
          if let content = try? Zip.extract(entry, from: broken, limit: 1 << 20) {
            #expect(content.count == entry.size)
          }
        }
      } catch {
        #expect(error is FileError)
      }
    }
    for end in bytes.indices {
      #expect(throws: FileError.self) { try Zip.entries(Array(bytes[..<end])) }
    }
  }

  @Test func entriesOfAnotherArchiveDoNotTrap() throws {
    for entry in try Zip.entries(Fixtures.zip) {
      #expect(throws: FileError.self) { try Zip.extract(entry, from: Array(Fixtures.npz.prefix(20))) }
    }
  }

  @Test func encryptedEntriesAndOtherMethodsAreRefused() throws {
    let header = try #require(
      Fixtures.npz.indices.first { Fixtures.npz[$0...].starts(with: [0x50, 0x4B, 1, 2]) })
    var encrypted = Fixtures.npz
    encrypted[header + 8] |= 1
    let locked = try Zip.entries(encrypted)[0]
    #expect(message { _ = try Zip.extract(locked, from: encrypted) }.contains("is encrypted"))
    var other = Fixtures.npz
    other[header + 10] = 12
    let packed = try Zip.entries(other)[0]
    #expect(message { _ = try Zip.extract(packed, from: other) }.contains("method 12, expected 0 (stored) or 8"))
  }

  @Test(arguments: [Zip.Packing.stored, .deflated])
  func writtenArchivesAreReadBack(packing: Zip.Packing) throws {
    let files = [("a/one.txt", Array("hello".utf8)), ("größe", []), ("z", [UInt8](repeating: 7, count: 100_000))]
    let bytes = try Zip.archive(files, packing)
    let entries = try Zip.entries(bytes)
    #expect(entries.map(\.name) == files.map(\.0))
    #expect(try entries.map { try Zip.extract($0, from: bytes) } == files.map(\.1))
    #expect((bytes.count < 1000) == (packing == .deflated))
    #expect(try Zip.entries(Zip.archive([])).isEmpty)
  }

  /// The fields are those of PKWARE's APPNOTE, 4.3.7, 4.3.12 and 4.3.16. The CRC-32 was computed with Python's zlib.
  @Test func anArchiveHasTheseBytes() throws {
    let local: [UInt8] = [20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0, 0x86, 0xA6, 0x10, 0x36, 5, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0]
    let name: [UInt8] = [UInt8(ascii: "h")]
    let first: [UInt8] = [0x50, 0x4B, 3, 4] + local + name + Array("hello".utf8)
    let directory: [UInt8] =
      [0x50, 0x4B, 1, 2, 20, 0] + local + [0, 0, 0, 0, 0, 0, 0, 0, 0, 0] + [0, 0, 0, 0] + name
    let end: [UInt8] = [0x50, 0x4B, 5, 6, 0, 0, 0, 0, 1, 0, 1, 0, 47, 0, 0, 0, 36, 0, 0, 0, 0, 0]
    #expect(try Zip.archive([("h", Array("hello".utf8))], .stored) == first + directory + end)
  }

  @Test(
    .enabled(if: dataFolder("omniglot") != nil, "set AIRFRAME_DATA to the folder that holds omniglot/"),
    arguments: [("small1", 2862), ("small2", 3282)])
  func omniglotIsRead(part: String, count: Int) throws {
    let folder = try #require(dataFolder("omniglot"))
    let bytes = try readFile("\(folder)/images_background_\(part).zip")
    let entries = try Zip.entries(bytes)
    #expect(entries.count == count)
    let first = try #require(entries.first { $0.name.hasSuffix(".png") })
    let picture = try Picture(png: Zip.extract(first, from: bytes, limit: 1 << 20))
    #expect(picture.width == 105 && picture.height == 105 && picture.channels == 1)
    #expect(Set(picture.pixels) == [0, 255])
  }
}
