import Glibc
import Pictures

/// The user's own images, all of one shape: a folder of PNG files, one PNG file, or the array `images` of an NPZ file.
///
/// Files of a folder come in the order of their names. The array is `[image, height, width]`, or has a dimension of 1 or
/// 3 channels at its end or, failing that, after the images. Its values are bytes, flags, or numbers in 0...1, which are
/// rounded to 256 levels.
public struct ImageCollection: Sendable {
  /// What becomes of the channels of files: gray is repeated into color, color becomes its luma (ITU-R BT.601) in gray.
  public enum Channels: String, CaseIterable, Sendable {
    case asStored = "as_stored"
    case gray, color

    /// Nil where the files decide.
    var count: Int? {
      switch self {
      case .asStored: nil
      case .gray: 1
      case .color: 3
      }
    }
  }

  /// The folder or file as it was named.
  public let path: String
  /// What each image is called: its file's name, or its index in the array.
  public let names: [String]
  /// The shape that images have once they are read.
  public let shape: SceneShape

  private enum Storage: Sendable {
    case files([String])
    case array(ImageArray)
  }

  private let storage: Storage

  /// Opens a folder or file and looks at its first image, or at all of an array.
  ///
  /// Height and width are those of the first image unless they are given. `key` is the one of a config that names the path.
  /// Throws `DatasetError`, `FileError` and `PictureError`.
  public init(
    _ path: String, channels: Channels = .asStored, height: Int? = nil, width: Int? = nil, key: String? = nil
  ) throws {
    self.path = path
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw DatasetError.notFound(path: path, wanted: "a folder of PNG files or an NPZ file", key: key)
    }
    let first: SceneShape
    if status.st_mode & S_IFMT == S_IFDIR {
      names = try Self.pictures(in: path)
      let files = names.map { "\(path)/\($0)" }
      storage = .files(files)
      first = try Self.shape(of: Picture(pngFile: files[0]))
    } else if path.lowercased().hasSuffix(".npz") {
      let array = try ImageArray(npzFile: path)
      names = (0..<array.count).map(String.init)
      storage = .array(array)
      first = array.shape
    } else {
      names = [path.split(separator: "/").last.map(String.init) ?? path]
      storage = .files([path])
      first = try Self.shape(of: Picture(pngFile: path))
    }
    shape = SceneShape(
      channels: channels.count ?? first.channels, height: height ?? first.height, width: width ?? first.width)
    convertsChannels = channels != .asStored
    try check(first, 0)
  }

  private let convertsChannels: Bool

  /// The number of images.
  public var count: Int { names.count }

  /// Where an image stands, for messages: `photos/a.png`, or `photos.npz, image 3`.
  public func place(of index: Int) -> String {
    switch storage {
    case .files(let files): files[index]
    case .array: "\(path), image \(index)"
    }
  }

  /// Reads an image, `[channel, height, width]`. Throws where its file is broken or it has another shape than the first.
  public func pixels(_ index: Int) throws -> [UInt8] {
    switch storage {
    case .array(let array): return planes(array.picture(index))
    case .files(let files):
      let picture = try Picture(pngFile: files[index])
      try check(Self.shape(of: picture), index)
      return planes(picture)
    }
  }

  /// Adds what tells the contents apart without decoding them: names, sizes, and the checksums that formats keep.
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

  private static func shape(of picture: Picture) -> SceneShape {
    SceneShape(channels: picture.channels, height: picture.height, width: picture.width)
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

  /// One plane after the other, where pictures hold the channels of each pixel together.
  private func planes(_ picture: Picture) -> [UInt8] {
    guard shape.channels > 1 else { return picture.gray().pixels }
    let pixels = picture.rgb().pixels
    return (0..<shape.channels).flatMap { channel in
      stride(from: channel, to: pixels.count, by: shape.channels).map { pixels[$0] }
    }
  }

  /// The names of the PNG files in a folder, sorted.
  private static func pictures(in path: String) throws -> [String] {
    guard let folder = opendir(path) else {
      throw DatasetError.unusable(
        place: path, problem: "cannot be listed (\(String(cString: strerror(errno))))", remedy: "check its permissions")
    }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.lowercased().hasSuffix(".png"), !name.hasPrefix(".") { names.append(name) }
    }
    guard !names.isEmpty else {
      throw DatasetError.unusable(
        place: path, problem: "holds no file whose name ends in .png",
        remedy: "name a folder of PNG files, or an NPZ file")
    }
    return names.sorted()
  }
}
