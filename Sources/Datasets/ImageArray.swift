import Pictures

/// The array `images` of an NPZ file, or an NPY file.
struct ImageArray: Sendable {
  /// The largest number of images in an array: 16 Mi.
  static let mostImages = 1 << 24

  enum Format: Sendable { case npy, npz }

  let count: Int
  let shape: SceneShape
  /// Identifies the contents: the CRC-32 of the stored array for an NPZ file, a hash of the values for an NPY file.
  let checksum: UInt32
  private let values: NPY.Values
  private let white: Double
  private let isChannelsLast: Bool

  /// Throws `FileError` for a broken file, and `DatasetError` for an array that does not hold images. If the header
  /// shows the error, it is thrown before the file is decompressed.
  init(file path: String, _ format: Format, white: WhiteLevel) throws {
    func check(_ shape: [Int]) throws { _ = try Self.layout(shape, path) }
    let array: NPY
    switch format {
    case .npy:
      array = try NPY(file: path, check: check)
      checksum = array.checksum
    case .npz:
      let archive = try NPZ(file: path)
      guard let found = try archive.array("images", check: check) else {
        let names = archive.names.isEmpty ? "none" : archive.names.prefix(20).joined(separator: ", ")
        throw DatasetError.unusable(
          place: path, problem: "holds no array 'images' (arrays: \(names))",
          remedy: "save it with numpy.savez(FILE, images=...)")
      }
      array = found
      checksum = archive.checksums.first { $0.name == "images" }?.crc ?? 0
    }
    (count, shape, isChannelsLast) = try Self.layout(array.shape, path)
    self.white = try white.value(of: array.values.typeName, at: path)
    let largest = try Self.largest(array.values, path, each: array.shape.dropFirst().reduce(1, *), self.white, white)
    try white.check(largest: largest, of: array.values.typeName, at: path)
    values = array.values
  }

  /// One image, with one plane per channel.
  func image(_ index: Int) -> StoredImage {
    let size = shape.channels * shape.height * shape.width
    let range = index * size..<(index + 1) * size
    func levels<Value>(_ values: [Value], _ number: (Value) -> Double) -> StoredImage {
      StoredImage(levels: planes(values[range].map { Float(number($0) / white) }))
    }
    return switch values {
    case .uint8(let values) where white == 255: StoredImage(pixels: planes(Array(values[range])))
    case .uint8(let values): levels(values, Double.init)
    case .flags(let values): StoredImage(pixels: planes(values[range].map { $0 ? 255 : 0 }))
    case .uint16(let values): levels(values, Double.init)
    case .int16(let values): levels(values, Double.init)
    case .int32(let values): levels(values, Double.init)
    case .int64(let values): levels(values, Double.init)
    case .float32(let values): levels(values, Double.init)
    case .float64(let values): levels(values) { $0 }
    }
  }

  private func planes<Value>(_ own: [Value]) -> [Value] {
    guard shape.channels > 1, isChannelsLast else { return own }
    return (0..<shape.channels).flatMap { channel in
      stride(from: channel, to: own.count, by: shape.channels).map { own[$0] }
    }
  }

  private static func layout(_ shape: [Int], _ path: String) throws -> (Int, SceneShape, isChannelsLast: Bool) {
    func fault(_ problem: String, _ remedy: String) -> DatasetError {
      .unusable(
        place: path, problem: "holds images of shape (\(shape.map(String.init).joined(separator: ", ")))\(problem)",
        remedy: remedy)
    }
    let isImages = !shape.contains(0)
    let found: (Int, SceneShape, isChannelsLast: Bool)
    switch shape.count {
    case 3 where isImages: found = (shape[0], SceneShape(channels: 1, height: shape[1], width: shape[2]), true)
    case 4 where isImages && (shape[3] == 1 || shape[3] == 3):
      found = (shape[0], SceneShape(channels: shape[3], height: shape[1], width: shape[2]), true)
    case 4 where isImages && (shape[1] == 1 || shape[1] == 3):
      found = (shape[0], SceneShape(channels: shape[1], height: shape[2], width: shape[3]), false)
    default:
      throw fault(
        "",
        "give it (n, height, width), or with 1 or 3 channels (n, height, width, channels) or "
          + "(n, channels, height, width)")
    }
    guard found.0 <= mostImages else {
      throw fault(": \(found.0) images, the limit is \(mostImages)", "take a part of them")
    }
    return found
  }

  /// The largest value. Throws `DatasetError` if a value is below 0, above white, or not a number.
  private static func largest(
    _ values: NPY.Values, _ path: String, each size: Int, _ white: Double, _ level: WhiteLevel
  ) throws -> Double {
    func wrong(_ index: Int?, _ value: some CustomStringConvertible) -> DatasetError {
      let wanted = WhiteLevel.words(white)
      return .unusable(
        place: index.map { "\(path), image \($0 / size)" } ?? path,
        problem: "holds the value \(value), wanted 0 to \(wanted)",
        remedy:
          "set \(level.key) to the value that means white, or save the images as uint8 (0 to 255) or float32 (0 to 1)")
    }
    func integers<Value: BinaryInteger>(_ values: [Value]) throws -> Double {
      let largest = values.max() ?? 0
      if let least = values.min(), least < 0 { throw wrong(values.firstIndex(of: least), least) }
      if Double(largest) > white { throw wrong(values.firstIndex(of: largest), largest) }
      return Double(largest)
    }
    func numbers<Value: BinaryFloatingPoint>(_ values: [Value]) throws -> Double {
      let highest = Value(white)
      if let index = values.firstIndex(where: { !($0 >= 0 && $0 <= highest) }) {
        throw wrong(index, "\(values[index])")
      }
      return Double(values.max() ?? 0)
    }
    return switch values {
    case .uint8(let values): try integers(values)
    case .flags: 1
    case .uint16(let values): try integers(values)
    case .int16(let values): try integers(values)
    case .int32(let values): try integers(values)
    case .int64(let values): try integers(values)
    case .float32(let values): try numbers(values)
    case .float64(let values): try numbers(values)
    }
  }
}
