/// An image as it is read from a file: one plane after the other, `[channel, height, width]`.
public struct StoredImage: Sendable, Equatable {
  /// 0 (black) to 255 (white).
  public let pixels: [UInt8]

  /// The same image in 0...1, where the file tells more levels apart than `pixels` can; nil where `pixels` say all.
  public let levels: [Float]?

  /// The largest level, in 0...1.
  public var brightest: Float { levels?.max() ?? Float(pixels.max() ?? 0) / 255 }

  init(pixels: [UInt8]) { (self.pixels, levels) = (pixels, nil) }

  /// Of levels in 0...1, which are kept only if some of them is not a multiple of 1/255.
  init(levels: [Float]) {
    pixels = levels.map { UInt8(($0 * 255).rounded()) }
    self.levels = zip(pixels, levels).allSatisfy { Float($0) / 255 == $1 } ? nil : levels
  }
}
