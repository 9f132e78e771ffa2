import CPNG

extension Picture {
  /// libpng's name for RGB.
  private static let colorFlag: png_uint_32 = 2

  /// The picture as the bytes of a PNG file. Throws `PictureError`, for example for a picture without pixels.
  public func png() throws -> [UInt8] {
    precondition(pixels.count == width * height * channels, "\(pixels.count) samples for \(width) x \(height) pixels")
    guard width > 0, height > 0, width <= 1_000_000, height <= 1_000_000 else {
      throw PictureError(
        problem: "a picture of \(width) x \(height) pixels cannot be a PNG",
        nextStep: "give it 1 to 1000000 pixels a side")
    }
    // Deflate grows incompressible data by well under an eighth; chunk headers take 12 bytes every 8 KiB.
    var size = pixels.count + height + (pixels.count + height) / 8 + 1024
    for _ in 0..<2 {
      var image = png_image()
      image.version = png_uint_32(PNG_IMAGE_VERSION)
      image.width = png_uint_32(width)
      image.height = png_uint_32(height)
      image.format = channels == 3 ? Self.colorFlag : 0
      var written = png_alloc_size_t(size)
      var succeeded = false
      let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        succeeded = png_image_write_to_memory(&image, buffer.baseAddress, &written, 0, pixels, 0, nil) != 0
        count = succeeded ? Int(written) : 0
      }
      if succeeded { return bytes }
      guard Int(written) > size else { throw PNG.failure("cannot be encoded", image) }
      size = Int(written)
    }
    throw PictureError(problem: "its encoded size keeps changing", nextStep: "report this as a bug")
  }

  /// Writes the picture as a PNG file, completely or not at all (see `writeFileAtomically`).
  ///
  /// Throws `PictureError` for a picture without pixels and `FileError` if the file cannot be written.
  public func writePNG(to path: String) throws {
    let bytes: [UInt8]
    do { bytes = try png() } catch let error as PictureError { throw error.at(path) }
    try writeFileAtomically(bytes, to: path)
  }

  /// Decodes any PNG to 8 bits per sample: to gray if the file is gray, otherwise to RGB.
  ///
  /// 16-bit samples are rounded to 256 levels. `PNG` documents the treatment of transparency and gamma.
  /// Throws `PictureError` as `PNG.init(bytes:)` does.
  public init(png bytes: [UInt8]) throws { self.init(try PNG(bytes: bytes)) }

  /// Decodes a PNG file like `init(png:)`. Throws `FileError` if it cannot be read and `PictureError` if it is broken.
  public init(pngFile path: String) throws { self.init(try PNG(file: path)) }

  private init(_ png: PNG) {
    let pixels: [UInt8] =
      switch png.samples {
      case .bytes(let bytes): bytes
      case .words(let words): words.map { UInt8((Int($0) + 128) / 257) }
      }
    self.init(width: png.width, height: png.height, channels: png.channels, pixels: pixels)
  }
}
