import Testing

@testable import Pictures

@Suite struct PNGTests {
  private let ramp = (0..<20).map { UInt8(12 * $0) }

  @Test(arguments: [1, 3], [(1, 1), (7, 3), (200, 150)])
  func encodedPicturesDecodeToTheSamePixels(channels: Int, size: (Int, Int)) throws {
    var random = SplitMix(state: 1)
    var picture = Picture(width: size.0, height: size.1, channels: channels)
    for index in picture.pixels.indices { picture.pixels[index] = .random(in: 0...255, using: &random) }
    // A color picture in which all pixels are gray stays RGB.
    #expect(try Picture(png: picture.png()) == picture)
    let flat = Picture(width: size.0, height: size.1, channels: channels, fill: 90)
    #expect(try Picture(png: flat.png()) == flat)
  }

  @Test func pillowGrayAndColorAreRead() throws {
    #expect(try Picture(png: Fixtures.gray) == Picture(width: 5, height: 4, channels: 1, pixels: ramp))
    let color = ramp.flatMap { [$0, 255 - $0, $0 / 2] }
    #expect(try Picture(png: Fixtures.rgb) == Picture(width: 5, height: 4, channels: 3, pixels: color))
  }

  @Test func oneBitIndexedInterlacedAndSixteenBitAreRead() throws {
    #expect(try Picture(png: Fixtures.bilevel).pixels == ramp.map { $0 > 100 ? 255 : 0 })
    #expect(
      try Picture(png: Fixtures.palette).pixels == [255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 255, 0, 255, 0, 255, 0, 0])
    #expect(try Picture(png: Fixtures.interlaced).pixels == [10, 20, 30, 40])
    #expect(try Picture(png: Fixtures.gray16).pixels == [0, 128, 255])
  }

  @Test func transparencyShowsBlack() throws {
    #expect(try Picture(png: Fixtures.rgba).pixels == [200, 100, 50, 0, 0, 0])
  }

  @Test func aHeaderOverThePixelLimitIsRefused() {
    #expect(message { _ = try Picture(png: Fixtures.huge) }.contains("5000 x 5000 pixels, the limit is 16777216"))
  }

  @Test(arguments: [
    Fixtures.gray, Fixtures.rgb, Fixtures.bilevel, Fixtures.palette, Fixtures.rgba, Fixtures.gray16,
    Fixtures.interlaced,
  ])
  func damagedFilesThrowOrDecode(bytes: [UInt8]) {
    for broken in damaged(bytes) {
      do {
        let picture = try Picture(png: broken)
        #expect(picture.pixels.count == picture.width * picture.height * picture.channels)
      } catch {
        #expect(error is PictureError)
      }
    }
  }

  @Test func brokenFilesSayWhatLibpngSays() {
    #expect(throws: PictureError.self) { try Picture(png: []) }
    #expect(message { _ = try Picture(png: Array("not a picture".utf8)) }.contains("is text, not a readable PNG"))
    // A file that ends within the pixel data is an error, not half a picture.
    let cut = message { _ = try Picture(png: Array(Fixtures.gray.prefix(50))) }
    #expect(cut.contains("is a broken PNG: ends at byte 50, but the chunk at byte 33 takes 34 bytes"))
    var corrupt = Fixtures.rgb
    corrupt[45] ^= 0xFF
    #expect(throws: PictureError.self) { try Picture(png: corrupt) }
  }

  /// A color profile that claims to need 271843328 bytes, found by the fuzzer. libpng tried to allocate that much
  /// memory.
  @Test func chunksThatOnlyDescribeAreSkipped() throws {
    let gray = Fixtures.gray
    func with(_ name: String, _ data: [UInt8]) -> [UInt8] {
      let length = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: data.count >> $0) }
      // The checksum is wrong; libpng would report it if it read the chunk.
      return gray[..<33] + length + name.utf8 + data + [0, 0, 0, 0] + gray[33...]
    }
    #expect(try PNGChunks.essential(with("iCCP", [1, 2, 3])) == gray)
    #expect(try PNGChunks.essential(gray + [1, 2, 3]) == gray)
    for name in ["iCCP", "tEXt", "zTXt", "iTXt", "eXIf", "abCd"] {
      #expect(try Picture(png: with(name, [120, 0, 0])).pixels == ramp)
    }
    for name in ["ABCD", "PLTE"] {
      #expect(throws: PictureError.self) { try Picture(png: with(name, [1, 2, 3])) }
    }
    // Chunks that would change samples are removed, too. A 16-bit file gets a gamma that leaves the samples unchanged.
    for name in ["gAMA", "sRGB", "cHRM"] { #expect(try PNGChunks.essential(with(name, [0, 1, 0x86, 0xA0])) == gray) }
    #expect(try PNGChunks.essential(Fixtures.gray16).count == Fixtures.gray16.count + 16)
  }

  @Test func aPictureWithoutPixelsIsNotWritten() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/empty.png"
      let words = message { try Picture(width: 0, height: 4, channels: 1).writePNG(to: path) }
      #expect(words.hasPrefix("\(path): a picture of 0 x 4 pixels"))
      #expect(fileNames(in: folder).isEmpty)
    }
  }

  @Test func filesAreWrittenReadAndNamedInErrors() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/picture.png"
      let picture = Picture(width: 5, height: 4, channels: 1, pixels: ramp)
      try picture.writePNG(to: path)
      #expect(try Picture(pngFile: path) == picture)
      #expect(fileNames(in: folder) == ["picture.png"])
      try writeFileAtomically([1, 2, 3], to: path)
      #expect(
        message { _ = try Picture(pngFile: path) }.hasPrefix("\(path): is not a readable PNG: it starts with 01 02 03"))
      #expect(throws: FileError.self) { try Picture(pngFile: "\(folder)/missing.png") }
    }
  }
}
