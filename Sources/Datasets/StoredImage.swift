/// An image as it is read from a file, one plane per channel, `[channel, height, width]`.
public struct StoredImage: Sendable, Equatable {
  /// The pixels, from 0 (black) to 255 (white).
  public let pixels: [UInt8]

  /// The same image in 0...1, if the file has more levels than `pixels` can represent; nil if `pixels` is exact.
  public let levels: [Float]?

  /// The largest level, in 0...1.
  public var brightest: Float { levels?.max() ?? Float(pixels.max() ?? 0) / 255 }

  init(pixels: [UInt8]) { (self.pixels, levels) = (pixels, nil) }

  /// Makes an image from levels in 0...1. They are kept only if one of them is not a multiple of 1/255.
  init(levels: [Float]) {
    pixels = levels.map { UInt8(($0 * 255).rounded()) }
    self.levels = zip(pixels, levels).allSatisfy { Float($0) / 255 == $1 } ? nil : levels
  }
}
