import Pictures

/// The array `images` of an NPZ file, as bytes.
struct ImageArray: Sendable {
  let count: Int
  let shape: SceneShape
  /// The CRC-32 of the array as stored.
  let checksum: UInt32
  private let values: [UInt8]
  private let isChannelsLast: Bool

  /// Throws `FileError` for a broken file and `DatasetError` for an array that is not one of images.
  init(npzFile path: String) throws {
    let archive = try NPZ(file: path)
    guard let array = try archive.array("images") else {
      let names = archive.names.isEmpty ? "none" : archive.names.joined(separator: ", ")
      throw DatasetError.unusable(
        place: path, problem: "holds no array 'images' (arrays: \(names))",
        remedy: "save it with numpy.savez(FILE, images=...)")
    }
    checksum = archive.checksums.first { $0.name == "images" }?.crc ?? 0
    (count, shape, isChannelsLast) = try Self.layout(array.shape, path)
    values = try Self.bytes(array.values, path, each: array.shape.dropFirst().reduce(1, *))
  }

  /// One image.
  func picture(_ index: Int) -> Picture {
    let size = shape.channels * shape.height * shape.width
    let own = Array(values[index * size..<(index + 1) * size])
    guard shape.channels > 1, !isChannelsLast else {
      return Picture(width: shape.width, height: shape.height, channels: shape.channels, pixels: own)
    }
    let plane = shape.height * shape.width
    let pixels = (0..<plane).flatMap { pixel in (0..<shape.channels).map { own[$0 * plane + pixel] } }
    return Picture(width: shape.width, height: shape.height, channels: shape.channels, pixels: pixels)
  }

  private static func layout(_ shape: [Int], _ path: String) throws -> (Int, SceneShape, isChannelsLast: Bool) {
    let isImages = !shape.contains(0)
    switch shape.count {
    case 3 where isImages: return (shape[0], SceneShape(channels: 1, height: shape[1], width: shape[2]), true)
    case 4 where isImages && (shape[3] == 1 || shape[3] == 3):
      return (shape[0], SceneShape(channels: shape[3], height: shape[1], width: shape[2]), true)
    case 4 where isImages && (shape[1] == 1 || shape[1] == 3):
      return (shape[0], SceneShape(channels: shape[1], height: shape[2], width: shape[3]), false)
    default:
      throw DatasetError.unusable(
        place: path, problem: "holds images of shape (\(shape.map(String.init).joined(separator: ", ")))",
        remedy: "give it (n, height, width), or with 1 or 3 channels (n, height, width, channels) or "
          + "(n, channels, height, width)")
    }
  }

  private static func bytes(_ values: NPY.Values, _ path: String, each size: Int) throws -> [UInt8] {
    func levels<Value: BinaryFloatingPoint>(_ values: [Value]) throws -> [UInt8] {
      if let wrong = values.firstIndex(where: { !($0 >= 0 && $0 <= 1) }) {
        throw DatasetError.unusable(
          place: "\(path), image \(wrong / size)", problem: "holds the value \(values[wrong]), wanted 0 to 1",
          remedy: "divide by 255, or save images as uint8")
      }
      return values.map { UInt8(($0 * 255).rounded()) }
    }
    switch values {
    case .uint8(let values): return values
    case .flags(let values): return values.map { $0 ? 255 : 0 }
    case .float32(let values): return try levels(values)
    case .float64(let values): return try levels(values)
    case .int32, .int64:
      throw DatasetError.unusable(
        place: path, problem: "holds images of type \(values.typeName)",
        remedy: "save them as uint8 (0 to 255) or float32 (0 to 1)")
    }
  }
}
