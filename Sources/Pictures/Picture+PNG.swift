import CPNG

extension Picture {
  /// The most pixels a PNG may have to be read: 16 Mi.
  public static let pixelLimit = 1 << 24

  /// libpng's names for what the simplified API writes and reads: 8-bit samples, gray or RGB.
  private static let colorFlag: png_uint_32 = 2
  /// Takes 16-bit PNGs without a gamma chunk as sRGB, as everyone writes them, not as linear light.
  private static let sixteenBitIsSRGB: png_uint_32 = 4

  /// The picture as a PNG file's bytes; throws `PictureError`, as for a picture without pixels.
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
      guard Int(written) > size else { throw Self.failure("cannot be encoded", image) }
      size = Int(written)
    }
    throw PictureError(problem: "its encoded size keeps changing", nextStep: "report this as a bug")
  }

  /// Writes the picture as a PNG, all of it or nothing (see `writeFileAtomically`).
  ///
  /// Throws `PictureError` for a picture without pixels and `FileError` if the file cannot be written.
  public func writePNG(to path: String) throws {
    let bytes: [UInt8]
    do { bytes = try png() } catch let error as PictureError { throw error.at(path) }
    try writeFileAtomically(bytes, to: path)
  }

  /// Decodes any PNG, to gray if it has no color and to RGB otherwise; what is transparent shows black.
  ///
  /// Color profiles are not applied. Throws `PictureError` for a broken file, mostly with libpng's words, and for more
  /// than `pixelLimit` pixels, before memory is taken for them.
  public init(png bytes: [UInt8]) throws {
    guard !bytes.isEmpty else {
      throw PictureError(problem: "an empty file is not a PNG", nextStep: "fetch or make the file again")
    }
    let bytes = try PNGChunks.essential(bytes)
    var image = png_image()
    // libpng keeps the address of the structure between the calls.
    self = try withUnsafeMutablePointer(to: &image) { image in
      image.pointee.version = png_uint_32(PNG_IMAGE_VERSION)
      defer { png_image_free(image) }
      return try bytes.withUnsafeBytes { try Self.decode($0, image) }
    }
  }

  /// Decodes a PNG file; see `init(png:)`. Throws `FileError` if it cannot be read and `PictureError` if it is broken.
  public init(pngFile path: String) throws {
    let bytes = try readFile(path)
    do { try self.init(png: bytes) } catch let error as PictureError { throw error.at(path) }
  }

  private static func decode(_ bytes: UnsafeRawBufferPointer, _ image: UnsafeMutablePointer<png_image>) throws
    -> Picture
  {
    guard png_image_begin_read_from_memory(image, bytes.baseAddress, bytes.count) != 0 else {
      throw failure("is not a readable PNG", image.pointee)
    }
    let width = Int(image.pointee.width)
    let height = Int(image.pointee.height)
    guard width * height <= pixelLimit else {
      throw PictureError(
        problem: "the PNG is \(width) x \(height) pixels, the limit is \(pixelLimit) in all",
        nextStep: "make it smaller")
    }
    let channels = image.pointee.format & colorFlag != 0 ? 3 : 1
    image.pointee.format = channels == 3 ? colorFlag : 0
    image.pointee.flags |= sixteenBitIsSRGB
    // Transparency is laid over what the buffer holds: black.
    var picture = Picture(width: width, height: height, channels: channels)
    guard png_image_finish_read(image, nil, &picture.pixels, 0, nil) != 0 else {
      throw failure("is a broken PNG", image.pointee)
    }
    return picture
  }

  private static func failure(_ problem: String, _ image: png_image) -> PictureError {
    let words = withUnsafeBytes(of: image.message) { message in
      String(decoding: message.prefix { $0 != 0 }, as: UTF8.self)
    }
    return PictureError(
      problem: "\(problem) (libpng: \(words.isEmpty ? "no message" : words))",
      nextStep: "fetch or make the file again")
  }
}
