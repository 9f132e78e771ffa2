import Pictures
import Testing

@Suite struct PNGTests {
  private let ramp = (0..<20).map { UInt8(12 * $0) }

  @Test(arguments: [1, 3], [(1, 1), (7, 3), (200, 150)])
  func encodedPicturesDecodeToTheSamePixels(channels: Int, size: (Int, Int)) throws {
    var random = SplitMix(state: 1)
    var picture = Picture(width: size.0, height: size.1, channels: channels)
    for index in picture.pixels.indices { picture.pixels[index] = .random(in: 0...255, using: &random) }
    // A color picture without color stays RGB.
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
    #expect(message { _ = try Picture(png: Array("not a picture".utf8)) }.contains("libpng: Not a PNG file"))
    // Within the pixel data: an error, not a half picture.
    #expect(message { _ = try Picture(png: Array(Fixtures.gray.prefix(50))) }.contains("is a broken PNG (libpng: "))
    var corrupt = Fixtures.rgb
    corrupt[45] ^= 0xFF
    #expect(throws: PictureError.self) { try Picture(png: corrupt) }
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
      #expect(message { _ = try Picture(pngFile: path) }.hasPrefix("\(path): is not a readable PNG"))
      #expect(throws: FileError.self) { try Picture(pngFile: "\(folder)/missing.png") }
    }
  }
}
