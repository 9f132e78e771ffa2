/// An 8-bit picture with 1 (gray) or 3 (RGB) interleaved channels, in row-major order from the top.
public struct Picture: Sendable, Equatable {
  public var width, height, channels: Int
  /// `width * height * channels` samples, `[row, column, channel]`.
  public var pixels: [UInt8]

  /// A picture in which all samples have one value. Requires sizes of 0 or more, and 1 or 3 channels.
  public init(width: Int, height: Int, channels: Int, fill: UInt8 = 0) {
    precondition(width >= 0 && height >= 0, "a picture of \(width) x \(height); sizes are 0 or more")
    self.init(
      width: width, height: height, channels: channels,
      pixels: [UInt8](repeating: fill, count: width * height * channels))
  }

  /// A picture from its samples `[row, column, channel]`. Requires 1 or 3 channels and the matching number of samples.
  public init(width: Int, height: Int, channels: Int, pixels: [UInt8]) {
    precondition(channels == 1 || channels == 3, "a picture has 1 or 3 channels, not \(channels)")
    precondition(
      width >= 0 && height >= 0 && pixels.count == width * height * channels,
      "\(width) x \(height) x \(channels) takes \(width * height * channels) samples, not \(pixels.count)")
    self.width = width
    self.height = height
    self.channels = channels
    self.pixels = pixels
  }

  /// The same picture with three channels; gray values are repeated.
  public func rgb() -> Picture {
    guard channels == 1 else { return self }
    var result = Picture(width: width, height: height, channels: 3)
    for (index, value) in pixels.enumerated() {
      result.pixels[3 * index] = value
      result.pixels[3 * index + 1] = value
      result.pixels[3 * index + 2] = value
    }
    return result
  }

  /// The same picture with one channel; RGB becomes its ITU-R BT.601 luma.
  public func gray() -> Picture {
    guard channels == 3 else { return self }
    let values = (0..<width * height).map {
      Color(red: pixels[3 * $0], green: pixels[3 * $0 + 1], blue: pixels[3 * $0 + 2]).luma
    }
    return Picture(width: width, height: height, channels: 1, pixels: values)
  }

  /// The picture enlarged so that each pixel becomes `factor` x `factor` pixels. Requires a factor of 1 or more.
  public func enlarged(by factor: Int) -> Picture {
    precondition(factor >= 1, "enlarged by \(factor); the factor is 1 or more")
    guard factor > 1 else { return self }
    var result = Picture(width: width * factor, height: height * factor, channels: channels)
    for row in 0..<result.height {
      for column in 0..<result.width {
        let from = (row / factor * width + column / factor) * channels
        let to = (row * result.width + column) * channels
        for channel in 0..<channels { result.pixels[to + channel] = pixels[from + channel] }
      }
    }
    return result
  }

  /// Copies `other` into this picture with its top left corner at (x, y), clipped to this picture.
  ///
  /// Gray values are repeated in an RGB picture; RGB becomes luma in a gray picture.
  public mutating func paste(_ other: Picture, x: Int, y: Int) {
    let source = channels == 3 ? other.rgb() : other.gray()
    let columns = Self.overlap(start: x, count: source.width, within: width)
    for row in Self.overlap(start: y, count: source.height, within: height) where !columns.isEmpty {
      let from = ((row - y) * source.width + columns.lowerBound - x) * channels
      let to = (row * width + columns.lowerBound) * channels
      for offset in 0..<columns.count * channels { pixels[to + offset] = source.pixels[from + offset] }
    }
  }

  /// Arranges pictures in rows of `columns`, with `gap` pixels between them.
  ///
  /// All cells have the size of the largest picture, and each picture is in the top left corner of its cell. The result
  /// is RGB if any picture is. Requires one column or more. Without pictures, the result is an empty picture.
  public static func grid(
    _ pictures: [Picture], columns: Int, gap: Int = 2, background: UInt8 = 96
  ) -> Picture {
    precondition(columns >= 1 && gap >= 0, "a grid of \(columns) columns with a gap of \(gap)")
    let used = min(columns, pictures.count)
    let rows = (pictures.count + columns - 1) / columns
    let cellWidth = pictures.map(\.width).max() ?? 0
    let cellHeight = pictures.map(\.height).max() ?? 0
    var result = Picture(
      width: max(0, used * (cellWidth + gap) - gap), height: max(0, rows * (cellHeight + gap) - gap),
      channels: pictures.map(\.channels).max() ?? 1, fill: background)
    for (index, picture) in pictures.enumerated() {
      result.paste(picture, x: index % columns * (cellWidth + gap), y: index / columns * (cellHeight + gap))
    }
    return result
  }

  /// The part of `start ..< start + count` inside `0 ..< size`; may be empty.
  static func overlap(start: Int, count: Int, within size: Int) -> Range<Int> {
    let (sum, overflow) = start.addingReportingOverflow(max(0, count))
    let lower = min(max(0, start), size)
    return lower..<max(lower, min(size, overflow ? size : sum))
  }
}
