import Configuration
import Glibc
import Scenes
import Tensors

/// Chinese characters in simulated handwriting. Each scene is one character, and its objects are components that
/// characters share.
///
/// Characters are drawn from the strokes of KanjiVG (Ulrich Apel, CC BY-SA 3.0), so that their components are known;
/// `KanjiGroup.components` defines a component. The dataset replaces the 50 CASIA characters of Min et al. 2020
/// (section V.A), which also have about 30 components and 300 samples per character; the paper does not name the characters.
///
/// Sample n of a character does not depend on the other characters. The last samples of every character are for the
/// test, those before them for validation.
public struct Hanzi: Dataset {
  public struct Config: Configurable, SceneShaped {
    public var seed = 0
    public var side = 64
    public var characters = Hanzi.characters
    public var samples = 300
    public var thickness = Span(1.8, 3.4)
    public var frame = Span(52, 70)
    public var shift = 3.0
    public var slant = 0.15
    public var stroke = Stroke()
    public var background = backgrounds.choice("none")
    public var validationShare = 0.1
    public var testShare = 0.1

    public init() {}

    public static let fields: [Field<Self>] = [
      .integer("seed", \.seed, in: 0...Int.max, "how characters are written; independent of the training seed"),
      .integer("side", \.side, in: 16...256, "height and width of a scene in pixels; lengths suit 64"),
      .text("characters", \.characters, "the characters, one after the other"),
      .integer("samples", \.samples, in: 1...100_000, "writings of each character, in all splits together"),
      .section("thickness", \.thickness, "diameter of the pen in pixels, uniform"),
      .section("frame", \.frame, "height and width of a character's frame in pixels; ink fills about four fifths"),
      .number("shift", \.shift, in: 0...256, "how far the frame's middle strays at most, each way, in pixels"),
      .number("slant", \.slant, in: 0...1, "tangent of the largest slant, to either side"),
      .section("stroke", \.stroke, "how far each stroke strays from its model"),
      .variant("background", \.background, in: backgrounds, "what lies behind the characters"),
      .number("validation_share", \.validationShare, in: 0...0.9, "share of the samples that serve validation"),
      .number("test_share", \.testShare, in: 0...0.9, "share of the samples that serve the test"),
    ]

    public func problems() -> [Problem] {
      var problems: [Problem] = []
      if characters.isEmpty { problems.append(Problem(key: "characters", "is empty; name at least one character")) }
      var seen: Set<Unicode.Scalar> = []
      if let twice = characters.unicodeScalars.first(where: { !seen.insert($0).inserted }) {
        problems.append(Problem(key: "characters", "names '\(twice.escaped(asASCII: false))' twice"))
      }
      for (key, span) in [("thickness", thickness), ("frame", frame)] where span.smallest > span.largest {
        problems.append(Problem(key: "\(key).smallest", "exceeds \(key).largest (\(span.largest))"))
      }
      if thickness.largest > Double(side) / 4 {
        problems.append(Problem(key: "thickness.largest", "exceeds a quarter of the canvas's side of \(side) pixels"))
      }
      if size(of: .train) < 1 {
        problems.append(
          Problem(key: "samples", "leave none for training beside validation_share and test_share; raise them"))
      }
      return problems
    }

    public var sceneShape: SceneShape? { SceneShape(channels: 1, height: side, width: side) }

    /// The number of samples of each character in a split, at least one if its share is not 0.
    func size(of split: Split) -> Int {
      func size(_ share: Double) -> Int { share > 0 ? max(1, Int((share * Double(samples)).rounded())) : 0 }
      return switch split {
      case .train: samples - size(validationShare) - size(testShare)
      case .validation: size(validationShare)
      case .test: size(testShare)
      }
    }

    /// The first sample of a split.
    func start(of split: Split) -> Int {
      switch split {
      case .train: 0
      case .validation: size(of: .train)
      case .test: size(of: .train) + size(of: .validation)
      }
    }
  }

  /// A range of lengths.
  public struct Span: Configurable {
    public var smallest = 1.0, largest = 1.0

    public init() {}

    init(_ smallest: Double, _ largest: Double) { (self.smallest, self.largest) = (smallest, largest) }

    public static let fields: [Field<Self>] = [
      .number("smallest", \.smallest, in: 1...512, "pixels"),
      .number("largest", \.largest, in: 1...512, "pixels"),
    ]
  }

  public struct Stroke: Configurable {
    public var offset = 0.8, distortion = 0.07

    public init() {}

    public static let fields: [Field<Self>] = [
      .number("offset", \.offset, in: 0...64, "deviation of its displacement, along either axis, in pixels"),
      .number(
        "distortion", \.distortion, in: 0...1, "deviation of what stretches, shears and turns it; 0 is its model"),
    ]
  }

  /// 50 characters of 30 components: half have two components, half have three, and each component is in three to five.
  ///
  /// They were selected by a rule. The start is the first level of GB 2312 (the commonest characters, which CASIA-HWDB
  /// also has): those with at most 12 strokes and two or three components, side by side or one above the other. Then
  /// components that occur in fewer than three characters are removed, with their characters, until there are none. The
  /// rarest component is removed in the same way until 30 are left. Last, the character whose components are the most
  /// common is removed until 50 are left: first among the characters of two components until 25 of them are left, then
  /// among those of three.
  public static let characters = "仆付伎作冬准助努劫卓咯堆妓姐姿守宜宰封忿怎思怠扮掀接推昨晰松柞椎次欣汾沮法淮渭炎炸烙焙男站肘肢芬芹萌"

  public let name = "hanzi"
  public let channels = 1
  public var height: Int { config.side }
  public var width: Int { config.side }
  /// The names of the components, sorted; empty if the file cannot be read.
  public var classNames: [String] { (try? model.load().classNames) ?? [] }

  private let config: Config
  private let model: Model
  private let handwriting: Handwriting
  private let composer: SceneComposer
  private let random: RandomStream

  /// Requires a config without problems. Throws `DatasetError.missing` if KanjiVG's file does not exist, and
  /// `ConfigurationError` for an unknown background.
  public init(_ config: Config, in context: DatasetContext) throws {
    precondition(config.problems().isEmpty, "\(config.problems())")
    self.config = config
    model = Model(file: "\(context.dataFolder)/kanjivg/kanjivg.xml.gz", characters: config.characters)
    if access(model.file, R_OK) != 0 { throw DatasetError.missing(file: model.file, source: "kanjivg") }
    handwriting = Handwriting(config)
    composer = SceneComposer(
      height: config.side, width: config.side, overlap: .allowed,
      background: try backgrounds.make(config.background, ()))
    random = RandomStream(seed: config.seed).child(name)
  }

  /// Throws `FileError` or `DatasetError` if a file does not have the default characters.
  public static func check(file: String) throws { _ = try KanjiVG(file: file, characters: characters) }

  /// A hash of the file's contents.
  public var fingerprint: String {
    var fingerprint = Fingerprint(name, version: 1)
    fingerprint.add(gzipFile: model.file)
    return fingerprint.text
  }

  public func size(of split: Split) -> Int { config.characters.unicodeScalars.count * config.size(of: split) }

  /// Reads the characters. Throws `FileError` and `DatasetError`.
  public func prepare(_ split: Split) throws { _ = try model.load() }

  /// The scenes are in rounds: one sample of each character, then the next sample of each.
  public func scene(_ index: Int, of split: Split, withMasks: Bool) -> Scene {
    let loaded: Model.Loaded
    do { loaded = try model.load() } catch {
      preconditionFailure("scenes were asked of a split that was not prepared: \(error)")
    }
    let count = loaded.characters.count
    let character = loaded.characters[index % count]
    let labels = loaded.labels[index % count]
    let random = random.child(character.name).at(config.start(of: split) + index / count)
    var generator = random.child("writing").generator()
    let writing = handwriting.write(character, &generator)
    var next = 0
    return composer.compose(count: labels.count, withMasks: withMasks, random: random) { stamp, _ in
      stamp.label = labels[next]
      writing.draw(next, to: &stamp, side: config.side)
      next += 1
    }
  }

  /// The data of the file, read at the first call.
  private final class Model: Sendable {
    struct Loaded: Sendable {
      let characters: [KanjiVG.Character]
      let classNames: [String]
      /// The class of each component of each character.
      let labels: [[Int]]
    }

    let file: String
    private let characters: String
    private let loaded = Lock<Loaded?>(nil)

    init(file: String, characters: String) { (self.file, self.characters) = (file, characters) }

    func load() throws -> Loaded {
      try loaded.withLock { loaded in
        if let loaded { return loaded }
        let characters = try KanjiVG(file: file, characters: characters).characters
        let names = Set(characters.flatMap { $0.components.map(\.name) }).sorted()
        let indices = Dictionary(uniqueKeysWithValues: zip(names, names.indices))
        let labels = characters.map { $0.components.compactMap { indices[$0.name] } }
        let result = Loaded(characters: characters, classNames: names, labels: labels)
        loaded = result
        return result
      }
    }
  }
}

extension Handwriting.Writing {
  /// Draws a component into a stamp, and sets the stamp's center and scale.
  fileprivate func draw(_ component: Int, to stamp: inout Stamp, side: Int) {
    let strokes = components[component]
    pen.draw(strokes, to: &stamp, side: side)
    guard let hull = pen.hull(of: strokes) else { return }
    let middle = (hull.low + hull.high) / 2
    stamp.center = Point(x: Double(middle.x), y: Double(middle.y))
    stamp.scale = Double((hull.high - hull.low).max()) / Double(side)
  }
}
