import Configuration
import Glibc
import Scenes
import Tensors

/// Multi-Sprites: squares, triangles and ellipses of any place, size and rotation, white on black (discrete-air.md 4.1).
///
/// Each shape is inscribed in a circle; the circle lies inside the canvas, its center and diameter are uniform. Edges
/// are anti-aliased. The paper gives no sizes: the diameters and the ellipse's 1 : 2 are ours, as is `heart`.
public struct MultiSprites: Dataset {
  public struct Config: Configurable, SceneShaped {
    public var seed = 0
    public var side = 64
    public var counts = [0: 22_500, 1: 22_500, 2: 22_500, 3: 22_500]
    public var shapes: [Shape] = [.square, .triangle, .ellipse]
    public var diameter = Diameter()
    public var overlap = OverlapRule.strokes
    public var background = backgrounds.choice("none")
    public var validationSize = 2000
    public var testSize = 2000

    public init() {}

    public static let fields: [Field<Self>] = [
      .integer("seed", \.seed, in: 0...Int.max, "which scenes are drawn; independent of the training seed"),
      .integer("side", \.side, in: 16...256, "height and width of a scene in pixels"),
      .counts("counts", \.counts, keys: 0...16, values: 0...10_000_000, "training scenes for each number of objects"),
      Field("shapes", \.shapes, "shapes drawn, equally likely", coding: .list(of: .choice, startingFrom: .square)),
      .section("diameter", \.diameter, "diameter of a shape's circle in pixels, uniform"),
      .choice("overlap", \.overlap, "what objects may share; a scene that breaks it is drawn again"),
      .variant("background", \.background, in: backgrounds, "what lies behind the objects"),
      .integer("validation_size", \.validationSize, in: 0...10_000_000, "validation scenes, counts as in training"),
      .integer("test_size", \.testSize, in: 0...10_000_000, "test scenes, counts as in training"),
    ]

    public func problems() -> [Problem] {
      var problems: [Problem] = []
      if counts.values.allSatisfy({ $0 == 0 }) { problems.append(Problem(key: "counts", "has no scenes")) }
      if shapes.isEmpty { problems.append(Problem(key: "shapes", "is empty; name at least one shape")) }
      if Set(shapes).count < shapes.count { problems.append(Problem(key: "shapes", "names a shape twice")) }
      if diameter.smallest > diameter.largest {
        problems.append(Problem(key: "diameter.smallest", "exceeds diameter.largest (\(diameter.largest))"))
      }
      if diameter.largest > Double(side) {
        problems.append(Problem(key: "diameter.largest", "exceeds the canvas's side of \(side) pixels"))
      }
      return problems
    }

    public var sceneShape: SceneShape? { SceneShape(channels: 1, height: side, width: side) }
  }

  public struct Diameter: Configurable {
    public var smallest = 12.0, largest = 22.0

    public init() {}

    public static let fields: [Field<Self>] = [
      .number("smallest", \.smallest, in: 3...256, "pixels"),
      .number("largest", \.largest, in: 3...256, "pixels"),
    ]
  }

  public let name = "multi-sprites"
  public let channels = 1
  public var height: Int { config.side }
  public var width: Int { config.side }
  public var classNames: [String] { config.shapes.map(\.rawValue) }
  public var fingerprint: String { Fingerprint(name, version: 1, config).text }

  private let config: Config
  private let counts: CountSchedule
  private let composer: SceneComposer
  private let random: RandomStream

  /// Requires a config without problems. Throws `ConfigurationError` for an unknown background.
  public init(_ config: Config) throws {
    precondition(config.problems().isEmpty, "\(config.problems())")
    self.config = config
    counts = CountSchedule(config.counts, validation: config.validationSize, test: config.testSize)
    composer = SceneComposer(
      height: config.side, width: config.side, overlap: config.overlap,
      background: try backgrounds.make(config.background, ()))
    random = RandomStream(seed: config.seed).child(name)
  }

  public func size(of split: Split) -> Int { counts[split].count }

  /// Throws `DatasetError.crowded` if the objects do not fit.
  public func prepare(_ split: Split) throws {
    let probes = random.child("probes").child(split.rawValue)
    try composer.check(count: counts.largest(in: split), random: probes, draw: draw)
  }

  public func scene(_ index: Int, of split: Split, withMasks: Bool) -> Scene {
    composer.compose(
      count: Int(counts[split][index]), withMasks: withMasks, random: random.child(split.rawValue).at(index), draw: draw
    )
  }

  /// A random shape at a random place.
  private func draw(_ stamp: inout Stamp, _ generator: inout RandomGenerator) {
    let label = generator.integer(below: config.shapes.count)
    let diameter = generator.uniform(in: config.diameter.smallest...config.diameter.largest)
    let range = diameter / 2...Double(config.side) - diameter / 2
    let center = Point(x: generator.uniform(in: range), y: generator.uniform(in: range))
    let angle = 2 * Double.pi * generator.uniform()

    stamp.label = label
    stamp.center = center
    stamp.angle = angle
    stamp.scale = diameter / Double(config.side)
    config.shapes[label].draw(stamp: &stamp, diameter: diameter, side: config.side)
  }
}
