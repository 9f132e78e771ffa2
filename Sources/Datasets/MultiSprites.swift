import Configuration
import Scenes
import Tensors

/// Multi-Sprites: squares, triangles and ellipses of any place, size and rotation, white on black (Wang et al. 2019,
/// section 4.1).
///
/// Each shape is inscribed in a circle; the circle lies inside the canvas, its center and diameter are uniform. Edges
/// are anti-aliased. The paper gives no sizes: the diameters and the ellipse's 1 : 2 are ours, as is `heart`.
public struct MultiSprites: Dataset {
  public struct Config: Configurable, SceneShaped {
    public var seed = 0
    public var side = 64
    public var counts = [0: 22_500, 1: 22_500, 2: 22_500, 3: 22_500]
    public var shapes: [Shape] = [.square, .triangle, .ellipse]
    public var diameter = ShapeDiameter()
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
      let noScenes = counts.values.allSatisfy { $0 == 0 } ? [Problem(key: "counts", "has no scenes")] : []
      return noScenes + shape.problems
    }

    var shape: RandomShape { RandomShape(shapes: shapes, diameter: diameter, side: side) }

    public var sceneShape: SceneShape? { SceneShape(channels: 1, height: side, width: side) }
  }

  public let name = "multi-sprites"
  public let channels = 1
  public var height: Int { config.side }
  public var width: Int { config.side }
  public var classNames: [String] { config.shapes.map(\.rawValue) }
  public var fingerprint: String { Fingerprint(name, version: 1).text }

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
    try composer.check(count: counts.largest(in: split), random: probes, draw: config.shape.draw)
  }

  public func scene(_ index: Int, of split: Split, withMasks: Bool) -> Scene {
    composer.compose(
      count: Int(counts[split][index]), withMasks: withMasks, random: random.child(split.rawValue).at(index),
      draw: config.shape.draw
    )
  }
}
