import Configuration
import Scenes
import Tensors

/// Multi-MNIST: handwritten digits at uniform places of a black canvas, their inks summed (Eslami et al. 2016).
///
/// The default is made like the set in the Python package `observations` that Wang et al. 2019 (section 4.2) use: 28 px
/// frames resized by 1/r, r ~ N(1.3, 0.1^2), drawn again while a sum exceeds 1. It truncates the frame's side and never
/// places a frame in the last row or column; we round, and all places are equally likely.
public struct MultiMNIST: Dataset {
  public struct Config: Configurable, SceneShaped {
    public var seed = 0
    public var side = 50
    public var counts = [0: 20_000, 1: 20_000, 2: 20_000]
    public var digit = DigitConfig()
    public var overlap = OverlapRule.saturation
    public var background = backgrounds.choice("none")
    public var validationSize = 2000
    public var testSize = 2000

    public init() {}

    public static let fields: [Field<Self>] = [
      .integer("seed", \.seed, in: 0...Int.max, "which scenes are drawn; independent of the training seed"),
      .integer("side", \.side, in: 16...256, "height and width of a scene in pixels"),
      .counts("counts", \.counts, keys: 0...16, values: 0...10_000_000, "training scenes for each number of digits"),
      .section("digit", \.digit, "how digits are cut and resized"),
      .choice("overlap", \.overlap, "what digits may share; a scene that breaks it is drawn again"),
      .variant("background", \.background, in: backgrounds, "what lies behind the digits"),
      .integer("validation_size", \.validationSize, in: 0...10_000_000, "validation scenes, counts as in training"),
      .integer("test_size", \.testSize, in: 0...10_000_000, "test scenes, counts as in training"),
    ]

    public func problems() -> [Problem] {
      var problems: [Problem] = []
      if counts.values.allSatisfy({ $0 == 0 }) { problems.append(Problem(key: "counts", "has no scenes")) }
      let largest = digit.sides.upperBound
      if largest > side {
        problems.append(Problem(key: "side", "is \(side), smaller than a digit's frame of up to \(largest) pixels"))
      }
      return problems
    }

    public var sceneShape: SceneShape? { SceneShape(channels: 1, height: side, width: side) }
  }

  public let name = "multi-mnist"
  public let channels = 1
  public var height: Int { config.side }
  public var width: Int { config.side }
  public var classNames: [String] { (0...9).map(String.init) }

  private let config: Config
  private let counts: CountSchedule
  private let composer: SceneComposer
  private let digits: Digits
  private let cutter: DigitCutter
  private let random: RandomStream

  /// Requires a config without problems. Throws `DatasetError.missing` without the digits' files, and
  /// `ConfigurationError` for an unknown background.
  public init(_ config: Config, in context: DatasetContext) throws {
    precondition(config.problems().isEmpty, "\(config.problems())")
    self.config = config
    counts = CountSchedule(config.counts, validation: config.validationSize, test: config.testSize)
    composer = SceneComposer(
      height: config.side, width: config.side, overlap: config.overlap,
      background: try backgrounds.make(config.background, ()))
    digits = try Digits(dataFolder: context.dataFolder)
    cutter = DigitCutter(config.digit)
    random = RandomStream(seed: config.seed).child(name)
  }

  public var fingerprint: String {
    var fingerprint = Fingerprint(name, version: 1)
    for file in digits.files { fingerprint.add(gzipFile: file) }
    return fingerprint.text
  }

  public func size(of split: Split) -> Int { counts[split].count }

  /// Reads the split's digits. Throws `FileError` and `DatasetError`, also where so many digits do not fit.
  public func prepare(_ split: Split) throws {
    let part = try digits.part(split)
    let probes = random.child("probes").child(split.rawValue)
    try composer.check(count: counts.largest(in: split), random: probes) { draw(part, &$0, &$1) }
  }

  public func scene(_ index: Int, of split: Split, withMasks: Bool) -> Scene {
    let part: Digits.Part
    do { part = try digits.part(split) } catch {
      preconditionFailure("scenes were asked of a split that was not prepared: \(error)")
    }
    return composer.compose(
      count: Int(counts[split][index]), withMasks: withMasks, random: random.child(split.rawValue).at(index)
    ) { draw(part, &$0, &$1) }
  }

  /// A random digit of the part at a random place.
  private func draw(_ part: Digits.Part, _ stamp: inout Stamp, _ generator: inout RandomGenerator) {
    let digit = part.range.lowerBound + generator.integer(below: part.range.count)
    cutter.cut(digit, from: part.images, into: &stamp, &generator)
    stamp.label = Int(part.images.labels[digit])
    stamp.placeUniformly(onSide: config.side, &generator)
  }
}
