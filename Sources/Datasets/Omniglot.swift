import Configuration
import Pictures
import Scenes
import Tensors

/// Scenes of Omniglot characters (Lake, Salakhutdinov and Tenenbaum 2015), composed like those of multi-MNIST.
///
/// A character's 105 px frame is resized to a random side and placed at a uniform position; inks are summed. The splits
/// show the same characters by different drawers (see `Characters`).
public struct Omniglot: Dataset {
  public struct Config: Configurable, SceneShaped {
    public var seed = 0
    public var side = 64
    public var counts = [0: 20_000, 1: 20_000, 2: 20_000]
    public var frame = Frame()
    public var overlap = OverlapRule.strokes
    public var background = backgrounds.choice("none")
    public var validationSize = 2000
    public var testSize = 2000

    public init() {}

    public static let fields: [Field<Self>] = [
      .integer("seed", \.seed, in: 0...Int.max, "which scenes are drawn; independent of the training seed"),
      .integer("side", \.side, in: 16...256, "height and width of a scene in pixels"),
      .counts(
        "counts", \.counts, keys: 0...16, values: 0...10_000_000, "training scenes for each number of characters"),
      .section("frame", \.frame, "side of a character's frame in pixels, uniform"),
      .choice("overlap", \.overlap, "what characters may share; a scene that breaks it is drawn again"),
      .variant("background", \.background, in: backgrounds, "what lies behind the characters"),
      .integer("validation_size", \.validationSize, in: 0...10_000_000, "validation scenes, counts as in training"),
      .integer("test_size", \.testSize, in: 0...10_000_000, "test scenes, counts as in training"),
    ]

    public func problems() -> [Problem] {
      var problems: [Problem] = []
      if counts.values.allSatisfy({ $0 == 0 }) { problems.append(Problem(key: "counts", "has no scenes")) }
      if frame.smallest > frame.largest {
        problems.append(Problem(key: "frame.smallest", "exceeds frame.largest (\(frame.largest))"))
      }
      if frame.largest > side {
        problems.append(Problem(key: "frame.largest", "exceeds the canvas's side of \(side) pixels"))
      }
      return problems
    }

    public var sceneShape: SceneShape? { SceneShape(channels: 1, height: side, width: side) }
  }

  public struct Frame: Configurable {
    public var smallest = 26, largest = 34

    public init() {}

    public static let fields: [Field<Self>] = [
      .integer("smallest", \.smallest, in: 8...256, "pixels; characters fill about half of their frame"),
      .integer("largest", \.largest, in: 8...256, "pixels"),
    ]
  }

  public let name = "omniglot"
  public let channels = 1
  public var height: Int { config.side }
  public var width: Int { config.side }
  /// The alphabet and number of each character; empty if the files cannot be read.
  public var classNames: [String] { (try? characters.drawings().names) ?? [] }

  private let config: Config
  private let counts: CountSchedule
  private let composer: SceneComposer
  private let characters: Characters
  private let resampling: Resampling
  private let random: RandomStream

  /// Requires a config without problems. Throws `DatasetError.missing` if the characters' files do not exist, and
  /// `ConfigurationError` for an unknown background.
  public init(_ config: Config, in context: DatasetContext) throws {
    precondition(config.problems().isEmpty, "\(config.problems())")
    self.config = config
    counts = CountSchedule(config.counts, validation: config.validationSize, test: config.testSize)
    composer = SceneComposer(
      height: config.side, width: config.side, overlap: config.overlap,
      background: try backgrounds.make(config.background, ()))
    characters = try Characters(dataFolder: context.dataFolder)
    resampling = Resampling(sizes: (config.frame.smallest...config.frame.largest).map { (Characters.side, $0) })
    random = RandomStream(seed: config.seed).child(name)
  }

  /// A hash of the names and checksums that the archives list.
  public var fingerprint: String {
    var fingerprint = Fingerprint(name, version: 1)
    for file in characters.files {
      guard let archive = try? readFile(file, limit: Characters.byteLimit), let entries = try? Zip.entries(archive)
      else { continue }
      for entry in entries { fingerprint.add("\(entry.name) \(entry.crc)") }
    }
    return fingerprint.text
  }

  public func size(of split: Split) -> Int { counts[split].count }

  /// Reads the characters. Throws `FileError` and `DatasetError`, also if this number of characters does not fit.
  public func prepare(_ split: Split) throws {
    let drawings = try characters.drawings()
    let probes = random.child("probes").child(split.rawValue)
    try composer.check(count: counts.largest(in: split), random: probes) { draw(drawings, split, &$0, &$1) }
  }

  public func scene(_ index: Int, of split: Split, withMasks: Bool) -> Scene {
    let drawings: Characters.Drawings
    do { drawings = try characters.drawings() } catch {
      preconditionFailure("scenes were asked of a split that was not prepared: \(error)")
    }
    return composer.compose(
      count: Int(counts[split][index]), withMasks: withMasks, random: random.child(split.rawValue).at(index)
    ) { draw(drawings, split, &$0, &$1) }
  }

  /// Draws a random character of the split at a random position.
  private func draw(
    _ drawings: Characters.Drawings, _ split: Split, _ stamp: inout Stamp, _ generator: inout RandomGenerator
  ) {
    let part = drawings.parts[split] ?? []
    let drawing = part[generator.integer(below: part.count)]
    let side = config.frame.smallest + generator.integer(below: config.frame.largest - config.frame.smallest + 1)
    let size = Characters.side * Characters.side
    drawings.pixels.withUnsafeBufferPointer { pixels in
      let frame = UnsafeBufferPointer(rebasing: pixels[drawing * size..<(drawing + 1) * size])
      guard let start = frame.baseAddress else { return }
      resampling.resize(
        start, height: Characters.side, width: Characters.side, stride: Characters.side, to: stamp.ink, height: side,
        width: side)
    }
    (stamp.height, stamp.width) = (side, side)
    stamp.label = drawings.labels[drawing]
    stamp.placeUniformly(onSide: config.side, &generator)
  }
}
