import Pictures
import Testing

@Suite struct IDXTests {
  private let small: [UInt8] = [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6]

  @Test func shapeAndValuesAreRead() throws {
    let idx = try IDX(bytes: small)
    #expect(idx.shape == [2, 3])
    #expect(idx.values == [1, 2, 3, 4, 5, 6])
  }

  @Test func rawAndGzippedFilesAreTheSame() throws {
    try withTemporaryFolder { folder in
      try writeFileAtomically(small, to: "\(folder)/a-idx2-ubyte")
      try writeFileAtomically(Gzip.compress(small), to: "\(folder)/a-idx2-ubyte.gz")
      let raw = try IDX(file: "\(folder)/a-idx2-ubyte")
      #expect(try IDX(file: "\(folder)/a-idx2-ubyte.gz") == raw)
      #expect(throws: FileError.self) { try IDX(file: "\(folder)/a-idx2-ubyte.gz", limit: 17) }
      try writeFileAtomically(Array(small.dropLast()), to: "\(folder)/short")
      #expect(
        message { _ = try IDX(file: "\(folder)/short") }
          == "\(folder)/short: holds 5 values after the header, expected 6 bytes for 2 x 3; "
          + "fetch the file again from its source")
    }
  }

  @Test func everyTruncationThrowsAndDamageNeverTraps() {
    for end in small.indices {
      #expect(throws: FileError.self) { try IDX(bytes: Array(small[..<end])) }
    }
    for broken in damaged(small) {
      if let idx = try? IDX(bytes: broken) { #expect(idx.values.count == idx.shape.reduce(1, *)) }
    }
  }

  @Test func sizesThatOverflowAreRefused() throws {
    let sizes = [UInt8](repeating: 0xFF, count: 12)
    #expect(message { _ = try IDX(bytes: [0, 0, 8, 3] + sizes) }.contains("more bytes than memory can hold"))
    #expect(throws: FileError.self) { try IDX(bytes: [0, 0, 8, 255] + sizes) }
    // With a size of 0 there are no values, but the product of the other sizes must still fit into an Int.
    for shape in [sizes + [0, 0, 0, 0], [0, 0, 0, 0] + sizes] {
      #expect(message { _ = try IDX(bytes: [0, 0, 8, 4] + shape) }.contains("more bytes than memory can hold"))
    }
    #expect(try IDX(bytes: [0, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0, 9]).shape == [0, 9])
  }

  @Test func otherTypesAreRefusedByName() {
    var floats = small
    floats[2] = 0x0D
    #expect(message { _ = try IDX(bytes: floats) }.contains("type 0d, expected 08 (unsigned bytes)"))
    #expect(message { _ = try IDX(bytes: [0x1F, 0x8B, 8, 0]) }.contains("is gzip data, not IDX data"))
  }

  @Test(.enabled(if: dataFolder("mnist") != nil, "set AIRFRAME_DATA to the folder that holds mnist/"))
  func mnistHasItsSizesAndFirstLabels() throws {
    let folder = try #require(dataFolder("mnist"))
    let images = try IDX(file: "\(folder)/train-images-idx3-ubyte.gz")
    #expect(images.shape == [60000, 28, 28])
    // The center of the first 5 is inked; its corner is not.
    #expect(images.values[0] == 0 && images.values[..<784].contains { $0 > 200 })
    let labels = try IDX(file: "\(folder)/train-labels-idx1-ubyte.gz")
    #expect(labels.shape == [60000])
    #expect(labels.values.first == 5)
    #expect(try IDX(file: "\(folder)/t10k-images-idx3-ubyte.gz").shape == [10000, 28, 28])
    #expect(try IDX(file: "\(folder)/t10k-labels-idx1-ubyte.gz").values.first == 7)
  }
}
