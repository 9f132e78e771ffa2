import Pictures
import Testing

@Suite struct GzipTests {
  private let plain = Array("abcabcabcabc".utf8)

  @Test func pythonsGzipIsExpanded() throws {
    #expect(try Gzip.decompress(Fixtures.gzip, limit: 12) == plain)
  }

  @Test(arguments: [0, 1, 1000, 1_000_000], [1, 256])
  func compressedBytesExpandToThemselves(count: Int, values: Int) throws {
    var random = SplitMix(state: 3)
    let bytes = (0..<count).map { _ in UInt8(Int.random(in: 0..<values, using: &random)) }
    let packed = try Gzip.compress(bytes)
    #expect(try Gzip.decompress(packed, limit: count) == bytes)
    #expect(try Gzip.compress(bytes) == packed)
  }

  @Test func membersAreJoinedAndZerosAfterThemIgnored() throws {
    let empty = try Gzip.compress([])
    let bytes = empty + Fixtures.gzip + empty + Fixtures.gzip + [0, 0, 0]
    #expect(try Gzip.decompress(bytes, limit: 24) == plain + plain)
    #expect(throws: FileError.self) { try Gzip.decompress(Fixtures.gzip + [1], limit: 100) }
  }

  @Test func theLimitHolds() throws {
    #expect(message { _ = try Gzip.decompress(Fixtures.gzip, limit: 11) }.contains("more than the limit of 11 bytes"))
    let bomb = try Gzip.compress([UInt8](repeating: 0, count: 5_000_000))
    #expect(bomb.count < 10_000)
    #expect(throws: FileError.self) { try Gzip.decompress(bomb, limit: 4_999_999) }
    #expect(throws: FileError.self) { try Gzip.decompress(Fixtures.gzip + Fixtures.gzip, limit: 20) }
    #expect(try Gzip.decompress(Fixtures.gzip, limit: .max) == plain)
  }

  @Test func everyTruncationThrows() {
    for end in Fixtures.gzip.indices {
      #expect(throws: FileError.self) { try Gzip.decompress(Array(Fixtures.gzip[..<end]), limit: 100) }
    }
  }

  @Test func damagedDataThrowsOrExpands() {
    for broken in damaged(Fixtures.gzip) {
      do {
        #expect(try Gzip.decompress(broken, limit: 1 << 20) == plain)
      } catch {
        #expect(error is FileError)
      }
    }
  }

  @Test func filesAreExpandedByTheirName() throws {
    try withTemporaryFolder { folder in
      try writeFileAtomically(Fixtures.gzip, to: "\(folder)/a.gz")
      try writeFileAtomically(Fixtures.gzip, to: "\(folder)/a.raw")
      try writeFileAtomically(plain, to: "\(folder)/plain.gz")
      #expect(try Gzip.readFile("\(folder)/a.gz", limit: 100) == plain)
      #expect(try Gzip.readFile("\(folder)/a.raw", limit: 100) == Fixtures.gzip)
      #expect(
        message { _ = try Gzip.readFile("\(folder)/plain.gz", limit: 100) }
          == "\(folder)/plain.gz: is text, not gzip data; "
          + "fetch the file again, or drop .gz from its name if it is not compressed")
    }
  }
}
