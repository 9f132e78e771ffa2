import Configuration
import Tensors

/// How a digit becomes an object: the part of its 28 x 28 frame that is used, and its size.
public struct DigitConfig: Configurable {
  public enum Kind: String, CaseIterable, Sendable {
    /// The frame, resized by 1/r with a random ratio r; the strokes are about 15 px high.
    case observations
    /// The frame at its original size; the strokes are up to 20 px high.
    case native
    /// The bounding box of the strokes.
    case tight
  }

  public var kind = Kind.observations
  public var ratio = Ratio()
  public var scale = 1.0

  public init() {}

  public static let fields: [Field<Self>] = [
    .choice("kind", \.kind, "observations (the frame at a random size), native (the frame), tight (its strokes)"),
    .section("ratio", \.ratio, "by how much a frame of kind observations shrinks, a normal variable"),
    .number("scale", \.scale, in: 0.2...4, "factor on the size of every digit"),
  ]

  public struct Ratio: Configurable {
    public var mean = 1.3, deviation = 0.1

    public init() {}

    public static let fields: [Field<Self>] = [
      .number("mean", \.mean, in: 0.5...5, "28 px over the mean side in pixels"),
      .number("deviation", \.deviation, in: 0...1, "standard deviation; draws are clipped at three of them"),
    ]

    /// The range of the ratios: within three deviations of the mean, and at least a quarter.
    var range: ClosedRange<Double> { max(0.25, mean - 3 * deviation)...mean + 3 * deviation }
  }

  /// The sides that an object's frame may have, in pixels.
  var sides: ClosedRange<Int> {
    switch kind {
    case .observations:
      resized(Digits.side, 1 / ratio.range.upperBound)...resized(Digits.side, 1 / ratio.range.lowerBound)
    case .native: resized(Digits.side)...resized(Digits.side)
    case .tight: resized(1)...resized(Digits.side)
    }
  }

  /// The length of `pixels` after resizing; at least one pixel.
  func resized(_ pixels: Int, _ factor: Double = 1) -> Int {
    max(1, Int((Double(pixels) * factor * scale).rounded()))
  }
}

/// Cuts digits out of their frames and resizes them.
struct DigitCutter: Sendable {
  private let config: DigitConfig
  private let resampling: Resampling

  init(_ config: DigitConfig) {
    self.config = config
    resampling =
      switch config.kind {
      case .observations, .native: Resampling(sizes: config.sides.map { (Digits.side, $0) })
      case .tight: Resampling(sizes: (1...Digits.side).map { ($0, config.resized($0)) })
      }
  }

  /// Writes a digit's ink and size into the stamp.
  func cut(_ digit: Int, from images: Digits.Images, into stamp: inout Stamp, _ generator: inout RandomGenerator) {
    var top = 0
    var left = 0
    var height = Digits.side
    var width = Digits.side
    images.pixels.withUnsafeBufferPointer { pixels in
      let frame = UnsafeBufferPointer(rebasing: pixels[digit * height * width..<(digit + 1) * height * width])
      guard let start = frame.baseAddress else { return }
      switch config.kind {
      case .observations:
        let ratio = config.ratio.mean + config.ratio.deviation * generator.normal()
        let range = config.ratio.range
        let side = config.resized(Digits.side, 1 / min(max(ratio, range.lowerBound), range.upperBound))
        stamp.height = side
        stamp.width = side
      case .native:
        stamp.height = config.resized(Digits.side)
        stamp.width = config.resized(Digits.side)
      case .tight:
        let extent = InkExtent(of: start, height: height, width: width, stride: width, aboveShare: nil)
        top = extent.rows.lowerBound
        left = extent.columns.lowerBound
        height = extent.rows.count
        width = extent.columns.count
        stamp.height = config.resized(height)
        stamp.width = config.resized(width)
      }
      resampling.resize(
        start + top * Digits.side + left, height: height, width: width, stride: Digits.side, to: stamp.ink,
        height: stamp.height, width: stamp.width)
    }
  }
}
