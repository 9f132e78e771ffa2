import Configuration
import Pictures
import Scenes
import Tensors

/// The user's own images, assigned to the splits at random. A CSV file of boxes can provide the ground truth objects.
///
/// A path that starts with `./` or `../` is relative to the folder of the file that names it, one that starts with `/`
/// is absolute, and any other is in the data folder.
public struct Images: Dataset {
  public struct Config: Configurable, SceneShaped {
    public var path = "images"
    public var boxes = ""
    public var seed = 0
    public var channels = ImageCollection.Channels.asStored
    public var height = 0
    public var width = 0
    public var maximum = 0.0
    public var validationShare = 0.1
    public var testShare = 0.1

    public init() {}

    public static let fields: [Field<Self>] = [
      .location("path", \.path, "a folder of PNG files, an NPZ file with an array 'images', or an NPY file"),
      .location("boxes", \.boxes, "CSV file of true boxes (image,left,top,right,bottom,label); empty: none are known"),
      .integer("seed", \.seed, in: 0...Int.max, "which images go to which split; independent of the training seed"),
      .choice("channels", \.channels, "as_stored, gray (luma of colors) or color (gray repeated)"),
      .integer("height", \.height, in: 0...4096, "of every image, in pixels; 0: as the first one"),
      .integer("width", \.width, in: 0...4096, "of every image, in pixels; 0: as the first one"),
      .number(
        "maximum", \.maximum, in: 0...9e18,
        "stored value that means white; 0: by type (255 of bytes, 65535 of 16 bits, 1 of flags and floats)"),
      .number("validation_share", \.validationShare, in: 0...0.9, "share of the images that serve validation"),
      .number("test_share", \.testShare, in: 0...0.9, "share of the images that serve the test"),
    ]

    public func problems() -> [Problem] {
      var problems: [Problem] = []
      if path.isEmpty { problems.append(Problem(key: "path", "is empty; name a folder of PNG files or an NPZ file")) }
      if validationShare + testShare > 0.95 {
        problems.append(Problem(key: "test_share", "and validation_share leave less than 0.05 for training"))
      }
      return problems
    }

    /// Known if the config gives it, as the config that a run saves does (see `Images.settled`).
    public var sceneShape: SceneShape? {
      guard let channels = channels.count, height > 0, width > 0 else { return nil }
      return SceneShape(channels: channels, height: height, width: width)
    }
  }

  public let name = "images"
  public var channels: Int { images.shape.channels }
  public var height: Int { images.shape.height }
  public var width: Int { images.shape.width }
  public var classNames: [String] { boxes?.classNames ?? [] }

  private let config: Config
  private let images: ImageCollection
  private let boxes: BoxTable?
  /// The images of each split, in the order of its scenes.
  private let order: [Split: [Int]]
  private let loaded = Loaded()

  /// The images of the splits that were prepared.
  private final class Loaded: Sendable {
    let images = Lock<[Split: [StoredImage]]>([:])
  }

  /// Requires a config without problems. Throws `DatasetError`, `FileError` and `PictureError`.
  public init(_ config: Config, in context: DatasetContext) throws {
    precondition(config.problems().isEmpty, "\(config.problems())")
    func resolved(_ path: String) -> String {
      ["/", "./", "../"].contains { path.hasPrefix($0) } ? path : "\(context.dataFolder)/\(path)"
    }
    self.config = config
    images = try ImageCollection(
      resolved(config.path), channels: config.channels, height: config.height > 0 ? config.height : nil,
      width: config.width > 0 ? config.width : nil, maximum: config.maximum, key: "path")
    boxes = try config.boxes.isEmpty ? nil : BoxTable(file: resolved(config.boxes), images: images)
    // A split with a positive share has at least one image.
    let count = images.count
    func size(_ share: Double) -> Int { share > 0 ? max(1, Int((share * Double(count)).rounded())) : 0 }
    let (validation, test) = (size(config.validationShare), size(config.testShare))
    guard validation + test < count else {
      throw DatasetError.unusable(
        place: images.path, problem: "holds \(count) images, of which none are left for training",
        remedy: "add images, or lower dataset.validation_share (\(config.validationShare)) and dataset.test_share "
          + "(\(config.testShare))")
    }
    let permutation = RandomStream(seed: config.seed).child("images").permutation(count)
    order = [
      .test: Array(permutation[..<test]), .validation: Array(permutation[test..<test + validation]),
      .train: Array(permutation[(test + validation)...]),
    ]
  }

  public var settled: (any Configurable)? {
    var settled = config
    settled.channels = channels == 1 ? .gray : .color
    (settled.height, settled.width) = (height, width)
    return settled
  }

  /// A hash of the images' names, sizes and checksums, and of the file of boxes.
  public var fingerprint: String {
    var fingerprint = Fingerprint(name, version: 1)
    images.identify(in: &fingerprint)
    if let boxes { fingerprint.add(boxes.bytes) }
    return fingerprint.text
  }

  public func size(of split: Split) -> Int { order[split]?.count ?? 0 }

  /// Reads the split's images. Throws `PictureError` for a broken file, and `DatasetError` for one with another shape
  /// or if all training images are nearly black.
  public func prepare(_ split: Split) throws {
    try loaded.images.withLock { loaded in
      guard loaded[split] == nil else { return }
      let read = try (order[split] ?? []).map(images.image)
      if split == .train { try images.checkWhite(read) }
      loaded[split] = read
    }
  }

  /// An image with its boxes. There are no masks, because it is unknown which ink belongs to which object.
  public func scene(_ index: Int, of split: Split, withMasks: Bool) -> Scene {
    guard let stored = loaded.images.withLock({ $0[split]?[index] }), let image = order[split]?[index] else {
      preconditionFailure("scenes were asked of a split that was not prepared")
    }
    return Scene(
      channels: channels, height: height, width: width, pixels: stored.pixels, objects: boxes?.objects[image] ?? [],
      levels: stored.levels, isLabeled: boxes != nil)
  }
}
