import CPNG

/// The samples of a PNG file as stored: gray or RGB, with 8 or 16 bits.
///
/// No gamma, chromaticity or color profile is applied, so the samples equal those that Pillow reads. Palettes are
/// looked up, and samples of 1, 2 and 4 bits are scaled to 8 bits (white is 255). Transparent pixels are composited
/// over black in the file's own values: each sample is multiplied by its alpha and rounded. Samples of 16 bits keep 16
/// bits, also in color pictures, where Pillow reduces them to 8.
public struct PNG: Sendable, Equatable {
  /// Samples `[row, column, channel]`.
  public enum Samples: Sendable, Equatable {
    /// 0 to 255.
    case bytes([UInt8])
    /// 0 to 65535.
    case words([UInt16])
  }

  public let width, height: Int
  /// 1 (gray) or 3 (RGB).
  public let channels: Int
  public let samples: Samples

  /// The largest number of pixels that is read: 16 Mi, which take at most 128 MiB.
  public static let pixelLimit = 1 << 24
  /// The largest size of a PNG file in bytes: more than its pixels take without compression.
  public static let byteLimit = 1 << 28

  /// libpng's format flags for its simplified API.
  private static let alphaFlag: png_uint_32 = 1
  private static let colorFlag: png_uint_32 = 2
  private static let linearFlag: png_uint_32 = 4

  /// Decodes a file in memory.
  ///
  /// Throws `PictureError` for a broken file, mostly with libpng's message, and for more than `pixelLimit` pixels,
  /// before memory is allocated for them.
  public init(bytes: [UInt8]) throws {
    let bytes = try PNGChunks.essential(bytes)
    var image = png_image()
    // libpng keeps the address of the structure between calls.
    self = try withUnsafeMutablePointer(to: &image) { image in
      image.pointee.version = png_uint_32(PNG_IMAGE_VERSION)
      defer { png_image_free(image) }
      return try bytes.withUnsafeBytes { try Self.decode($0, image) }
    }
  }

  /// Decodes a file like `init(bytes:)`. Throws `FileError` if it cannot be read and `PictureError` if it is broken.
  public init(file path: String) throws {
    do {
      try self.init(bytes: readFile(path, limit: Self.byteLimit) { head, _ in try PNGChunks.check(head) })
    } catch let error as PictureError { throw error.at(path) }
  }

  private init(width: Int, height: Int, channels: Int, _ samples: Samples) {
    (self.width, self.height, self.channels, self.samples) = (width, height, channels, samples)
  }

  private static func decode(_ bytes: UnsafeRawBufferPointer, _ image: UnsafeMutablePointer<png_image>) throws -> PNG {
    guard png_image_begin_read_from_memory(image, bytes.baseAddress, bytes.count) != 0 else {
      throw failure("is not a readable PNG", image.pointee)
    }
    let (width, height) = (Int(image.pointee.width), Int(image.pointee.height))
    guard width * height <= pixelLimit else {
      throw PictureError(
        problem: "the PNG is \(width) x \(height) pixels, the limit is \(pixelLimit) in all",
        nextStep: "make it smaller"
      )
    }
    // These stay as in the file: 16 bits (which libpng calls linear), color, and alpha.
    let format = image.pointee.format & (alphaFlag | colorFlag | linearFlag)
    image.pointee.format = format
    let channels = format & colorFlag != 0 ? 3 : 1
    let stored = channels + (format & alphaFlag != 0 ? 1 : 0)
    let count = width * height * stored
    func read<Sample: UnsignedInteger & FixedWidthInteger>(_ type: Sample.Type) throws -> [Sample] {
      var samples = [Sample](repeating: 0, count: count)
      guard png_image_finish_read(image, nil, &samples, 0, nil) != 0 else {
        throw failure("is a broken PNG", image.pointee)
      }
      return samples
    }
    if format & linearFlag != 0 {
      // libpng has already multiplied these samples by their alpha.
      let words = try read(UInt16.self)
      return PNG(
        width: width, height: height, channels: channels, .words(overBlack(words, stored, channels) { word, _ in word })
      )
    }
    let samples = try read(UInt8.self)
    return PNG(
      width: width, height: height, channels: channels,
      .bytes(overBlack(samples, stored, channels) { UInt8((Int($0) * Int($1) + 127) / 255) }))
  }

  /// The samples without the alpha values, if there are any.
  private static func overBlack<Sample>(
    _ samples: [Sample], _ stored: Int, _ channels: Int, _ composed: (Sample, Sample) -> Sample
  ) -> [Sample] {
    guard stored > channels else { return samples }
    var result: [Sample] = []
    result.reserveCapacity(samples.count / stored * channels)
    for start in stride(from: 0, to: samples.count, by: stored) {
      let alpha = samples[start + channels]
      for channel in 0..<channels { result.append(composed(samples[start + channel], alpha)) }
    }
    return result
  }

  /// An error with libpng's message.
  static func failure(_ problem: String, _ image: png_image) -> PictureError {
    let words = withUnsafeBytes(of: image.message) { message in
      String(decoding: message.prefix { $0 != 0 }, as: UTF8.self)
    }
    return PictureError(
      problem: "\(problem) (libpng: \(words.isEmpty ? "no message" : words))", nextStep: "fetch or make the file again")
  }
}
