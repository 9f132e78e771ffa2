/// Squared error between image and reconstruction.
///
/// `squared_error` is summed over pixels and averaged over images (Xu et al. 2019, section 6), `mse` is per pixel and
/// channel, `rmse` its root. Gray levels are in 0...1.
public struct SquaredError: Metric {
  public static let measures = ["squared_error", "mse", "rmse"].map { Measure($0, better: .lower) }

  private var sum = 0.0
  private var images = 0
  private var pixels = 0

  public init() {}

  public static var needsTruth: Bool { false }

  public mutating func add(_ image: JudgedImage) {
    sum +=
      image.scene.levels.map { squaredError($0, image.reconstruction) }
      ?? squaredError(image.scene.pixels, image.reconstruction)
    images += 1
    pixels += image.scene.pixels.count
  }

  public var scores: [Score] {
    guard images > 0 else { return [] }
    let perPixel = sum / Double(pixels)
    return [
      Score("squared_error", sum / Double(images)), Score("mse", perPixel), Score("rmse", perPixel.squareRoot()),
    ]
  }
}

/// The squared error of one image, summed over its values: bytes, as shares of 255, against levels in 0...1.
public func squaredError(_ pixels: [UInt8], _ reconstruction: UnsafeBufferPointer<Float>) -> Double {
  precondition(
    pixels.count == reconstruction.count, "\(pixels.count) pixels were compared with \(reconstruction.count)")
  var sum = 0.0
  for (byte, level) in zip(pixels, reconstruction) {
    let difference = Double(byte) / 255 - Double(level)
    sum += difference * difference
  }
  return sum
}

/// The squared error of one image of levels in 0...1, summed over its values.
func squaredError(_ levels: [Float], _ reconstruction: UnsafeBufferPointer<Float>) -> Double {
  precondition(
    levels.count == reconstruction.count, "\(levels.count) levels were compared with \(reconstruction.count)")
  return zip(levels, reconstruction).reduce(0) { sum, pair in
    let difference = Double(pair.0) - Double(pair.1)
    return sum + difference * difference
  }
}
