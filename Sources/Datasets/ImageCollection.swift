import Glibc
import Pictures

/// The user's own images, all of one shape: a folder of PNG files, one PNG file, an NPY file, or the array `images` of
/// an NPZ file.
///
/// Files of a folder are in the order of their names. An array is `[image, height, width]`, with an optional dimension
/// of 1 or 3 channels at its end or, failing that, after the images. It has at most `ImageArray.mostImages` images. If
/// `maximum` is given, it is white for all types. Otherwise white is 255 in bytes and 8-bit files, 65535 in 16 bits,
/// and 1 in flags and floating-point numbers; other integers need `maximum`. Images with more than 256 levels keep
/// them.
public struct ImageCollection: Sendable {
  /// The conversion of channels: gray is repeated to make color, and color is converted to gray by its luma (ITU-R
  /// BT.601).
  public enum Channels: String, CaseIterable, Sendable {
    case asStored = "as_stored"
    case gray, color

    /// The number of channels; nil if the files decide.
    var count: Int? {
      switch self {
      case .asStored: nil
      case .gray: 1
      case .color: 3
      }
    }
  }

  /// The path of the folder or file, as given.
  public let path: String
  /// The name of each image: its file's name, or its index in the array.
  public let names: [String]
  /// The shape of images after they are read and converted.
  public let shape: SceneShape

  private enum Storage: Sendable {
    case files([String])
    case array(ImageArray)
  }

  private let storage: Storage
  private let white: WhiteLevel

  /// Opens a folder or file and reads the shape of its first image, or all of an array.
  ///
  /// Height and width are those of the first image unless they are given. `maximum` is the stored value that means
  /// white; 0 means that the type of the values decides. `key` is the config key that names the path; nil means that
  /// the command line names it. Throws `DatasetError`, `FileError` and `PictureError`.
  public init(
    _ path: String, channels: Channels = .asStored, height: Int? = nil, width: Int? = nil, maximum: Double = 0,
    key: String? = nil
  ) throws {
    self.path = path
    white = WhiteLevel(maximum: maximum, key: key == nil ? "--maximum" : "dataset.maximum")
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw DatasetError.notFound(path: path, wanted: "a folder of PNG files, an NPZ or an NPY file", key: key)
    }
    let first: SceneShape
    if status.st_mode & S_IFMT == S_IFDIR {
      names = try Self.pictures(in: path)
      let files = names.map { "\(path)/\($0)" }
      storage = .files(files)
      first = try Self.shape(of: PNG(file: files[0]))
    } else if let format = try Self.format(ofFile: path) {
      let array = try ImageArray(file: path, format, white: white)
      names = (0..<array.count).map(String.init)
      storage = .array(array)
      first = array.shape
    } else {
      names = [path.split(separator: "/").last.map(String.init) ?? path]
      storage = .files([path])
      first = try Self.shape(of: PNG(file: path))
    }
    shape = SceneShape(
      channels: channels.count ?? first.channels, height: height ?? first.height, width: width ?? first.width)
    convertsChannels = channels != .asStored
    try check(first, 0)
  }

  /// The format of an array, determined by the file's contents and, if they do not show it, by its name; nil if it must
  /// be a PNG.
  private static func format(ofFile path: String) throws -> ImageArray.Format? {
    switch FileFormat(try readHead(path)) {
    case .npz: .npz
    case .npy: .npy
    case .png: nil
    default: path.lowercased().hasSuffix(".npz") ? .npz : path.lowercased().hasSuffix(".npy") ? .npy : nil
    }
  }

  private let convertsChannels: Bool

  /// The number of images.
  public var count: Int { names.count }

  /// The place of an image for messages: `photos/a.png`, or `photos.npz, image 3`.
  public func place(of index: Int) -> String {
    switch storage {
    case .files(let files): files[index]
    case .array: "\(path), image \(index)"
    }
  }

  /// Throws `DatasetError` if these images were read from files and are all nearly black (see `WhiteLevel`).
  public func checkWhite(_ images: [StoredImage]) throws {
    if case .files = storage { try white.check(images, at: path) }
  }

  /// Reads an image. Throws if its file is broken, or if its shape differs from that of the first image.
  public func image(_ index: Int) throws -> StoredImage {
    switch storage {
    case .array(let array): return converted(array.image(index), from: array.shape.channels)
    case .files(let files):
      let png = try PNG(file: files[index])
      try check(Self.shape(of: png), index)
      return converted(try stored(png, index), from: png.channels)
    }
  }

  /// The samples of a PNG, with one plane per channel. Throws `DatasetError` if a sample is above white.
  private func stored(_ png: PNG, _ index: Int) throws -> StoredImage {
    func planes<Sample>(_ samples: [Sample]) -> [Sample] {
      guard png.channels > 1 else { return samples }
      return (0..<png.channels).flatMap { channel in
        stride(from: channel, to: samples.count, by: png.channels).map { samples[$0] }
      }
    }
    func levels<Sample: FixedWidthInteger>(_ samples: [Sample], _ type: String) throws -> StoredImage {
      let full = try white.value(of: type, at: place(of: index))
      if let largest = samples.max(), Double(largest) > full {
        throw DatasetError.unusable(
          place: place(of: index), problem: "holds the value \(largest), wanted 0 to \(WhiteLevel.words(full))",
          remedy: "set \(white.key) to the value that means white")
      }
      return StoredImage(levels: planes(samples).map { Float(Double($0) / full) })
    }
    return switch png.samples {
    case .bytes(let bytes) where white.maximum == 0 || white.maximum == 255: StoredImage(pixels: planes(bytes))
    case .bytes(let bytes): try levels(bytes, "uint8")
    case .words(let words): try levels(words, "uint16")
    }
  }

  /// Adds data that identifies the contents without decoding them: names, sizes, and the checksums that the formats
  /// store.
  func identify(in fingerprint: inout Fingerprint) {
    switch storage {
    case .array(let array): fingerprint.add("\(array.checksum)")
    case .files(let files):
      for (name, file) in zip(names, files) {
        fingerprint.add(name)
        // A PNG ends with the Adler-32 of its pixels, the CRC-32 of its last data, and an empty chunk of 12 bytes.
        fingerprint.add(endOf: file, bytes: 20)
      }
    }
  }

  private static func shape(of png: PNG) -> SceneShape {
    SceneShape(channels: png.channels, height: png.height, width: png.width)
  }

  private func check(_ found: SceneShape, _ index: Int) throws {
    guard found.height == shape.height, found.width == shape.width else {
      throw DatasetError.unusable(
        place: place(of: index),
        problem: "is \(found.height) x \(found.width) pixels, wanted \(shape.height) x \(shape.width)",
        remedy: "resize it")
    }
    guard convertsChannels || found.channels == shape.channels else {
      throw DatasetError.unusable(
        place: place(of: index), problem: "has \(found.channels) channels, the first image has \(shape.channels)",
        remedy: "set dataset.channels to gray or color")
    }
  }

  /// Converts an image to the channels of the collection: gray is repeated, color becomes its luma (ITU-R BT.601).
  private func converted(_ image: StoredImage, from channels: Int) -> StoredImage {
    guard channels != shape.channels else { return image }
    if channels == 1 {
      return image.levels.map { StoredImage(levels: $0 + $0 + $0) }
        ?? StoredImage(pixels: image.pixels + image.pixels + image.pixels)
    }
    let plane = shape.height * shape.width
    if let levels = image.levels {
      return StoredImage(
        levels: (0..<plane).map { (pixel: Int) -> Float in
          let (red, green, blue) = (levels[pixel], levels[plane + pixel], levels[2 * plane + pixel])
          return 0.299 * red + 0.587 * green + 0.114 * blue
        })
    }
    return StoredImage(
      pixels: (0..<plane).map { pixel in
        let channels = (0..<3).map { image.pixels[$0 * plane + pixel] }
        return Color(red: channels[0], green: channels[1], blue: channels[2]).luma
      })
  }

  /// The names of the PNG files in a folder, sorted.
  private static func pictures(in path: String) throws -> [String] {
    guard let folder = opendir(path) else {
      throw DatasetError.unusable(
        place: path, problem: "cannot be listed (\(String(cString: strerror(errno))))", remedy: "check its permissions")
    }
    defer { closedir(folder) }
    var names: [String] = []
    var others: [String: Int] = [:]
    while let entry = readdir(folder) {
      let bytes = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: UInt8.self, capacity: 256) { start in
          Array((0..<256).lazy.map { start[$0] }.prefix { $0 != 0 })
        }
      }
      guard bytes.first != UInt8(ascii: ".") else { continue }
      let shown = String(decoding: bytes, as: UTF8.self)
      guard shown.lowercased().hasSuffix(".png") else {
        if let dot = shown.lastIndex(of: ".") { others[shown[dot...].lowercased(), default: 0] += 1 }
        continue
      }
      guard let name = String(validating: bytes, as: UTF8.self) else {
        throw DatasetError.unusable(
          place: path, problem: "holds a file whose name is not UTF-8 ('\(shown)')", remedy: "rename it")
      }
      names.append(name)
      guard names.count <= ImageArray.mostImages else {
        throw DatasetError.unusable(
          place: path, problem: "holds more than \(ImageArray.mostImages) PNG files", remedy: "take a part of them")
      }
    }
    guard !names.isEmpty else {
      let most = others.max { ($0.value, $1.key) < ($1.value, $0.key) }
      throw DatasetError.unusable(
        place: path,
        problem: "holds no file whose name ends in .png" + (most.map { " (but \($0.value) in \($0.key))" } ?? ""),
        remedy: "name a folder of PNG files, an NPZ or an NPY file")
    }
    // Names that are equal for Swift (one text in two encodings) are sorted by their bytes.
    return names.sorted { $0 == $1 ? $0.utf8.lexicographicallyPrecedes($1.utf8) : $0 < $1 }
  }
}
