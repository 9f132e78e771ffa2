import Configuration
import Scenes
import Tensors

/// Colored sprites of dSprites' shapes, each there or not by chance (Nash et al. 2017, appendix A).
///
/// Up to `sprites` sprites, each present with probability `presence`, of random shape, color, size, angle and place, wholly
/// inside; where they overlap, colors are summed and clipped at 1. Training scenes are drawn anew for every batch and never
/// come again; those of validation and test are fixed. The paper gives neither sizes nor colors: ours are uniform, and the
/// largest channel of a color is at least `brightness`, so that no sprite is invisible.
public struct MultiDSprites: Dataset {
  public struct Config: Configurable, SceneShaped {
    public var seed = 0
    public var side = 64
    public var sprites = 3
    public var presence = 0.5
    public var shapes: [Shape] = [.square, .ellipse, .heart]
    public var diameter = ShapeDiameter(smallest: 14, largest: 24)
    public var brightness = 0.5
    public var validationSize = 2000
    public var testSize = 12_800

    public init() {}

    public static let fields: [Field<Self>] = [
      .integer("seed", \.seed, in: 0...Int.max, "which scenes are drawn; independent of the training seed"),
      .integer("side", \.side, in: 16...256, "height and width of a scene in pixels"),
      .integer("sprites", \.sprites, in: 1...32, "the largest number of sprites"),
      .number("presence", \.presence, in: 0...1, "probability that each of them is there"),
      Field("shapes", \.shapes, "shapes drawn, equally likely", coding: .list(of: .choice, startingFrom: .square)),
      .section("diameter", \.diameter, "diameter of a shape's circle in pixels, uniform"),
      .number("brightness", \.brightness, in: 0...0.99, "the least that a color's largest channel is"),
      .integer("validation_size", \.validationSize, in: 0...10_000_000, "validation scenes"),
      .integer("test_size", \.testSize, in: 0...10_000_000, "test scenes"),
    ]

    public func problems() -> [Problem] { shape.problems }

    var shape: RandomShape { RandomShape(shapes: shapes, diameter: diameter, side: side) }

    public var sceneShape: SceneShape? { SceneShape(channels: 3, height: side, width: side) }
  }

  public let name = "multi-dsprites"
  public let channels = 3
  public var height: Int { config.side }
  public var width: Int { config.side }
  public var classNames: [String] { config.shapes.map(\.rawValue) }
  public var fingerprint: String { Fingerprint(name, version: 1).text }

  private let config: Config
  private let random: RandomStream

  /// Requires a config without problems.
  public init(_ config: Config) {
    precondition(config.problems().isEmpty, "\(config.problems())")
    self.config = config
    random = RandomStream(seed: config.seed).child(name)
  }

  /// More training scenes than there will ever be steps.
  public func size(of split: Split) -> Int {
    switch split {
    case .train: endlessScenes
    case .validation: config.validationSize
    case .test: config.testSize
    }
  }

  public func prepare(_ split: Split) {}

  public func scene(_ index: Int, of split: Split, withMasks: Bool) -> Scene {
    var generator = random.child(split.rawValue).at(index).generator()
    let plane = config.side * config.side
    var objects: [SceneObject] = []
    var masks: [[UInt8]] = []
    var pixels = [UInt8](repeating: 0, count: channels * plane)
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: plane) { memory in
      guard let ink = memory.baseAddress else { return }
      for _ in 0..<config.sprites where generator.uniform() < config.presence {
        var stamp = Stamp(ink: ink)
        config.shape.draw(&stamp, &generator)
        let color = randomColor(&generator)
        add(stamp, color, to: &pixels)
        var object = stamp.object()
        object.color = color
        objects.append(object)
        if withMasks { masks.append(stamp.mask(height: config.side, width: config.side)) }
      }
    }
    return Scene(
      channels: channels, height: config.side, width: config.side, pixels: pixels, objects: objects, masks: masks)
  }

  /// Uniform among those that are bright enough.
  private func randomColor(_ generator: inout RandomGenerator) -> [Double] {
    while true {
      let color = (0..<channels).map { _ in generator.uniform() }
      if (color.max() ?? 0) >= config.brightness { return color }
    }
  }

  /// Adds the ink in its color, clipped at 255.
  private func add(_ stamp: Stamp, _ color: [Double], to pixels: inout [UInt8]) {
    pixels.withUnsafeMutableBufferPointer { pixels in
      for (channel, level) in color.enumerated() {
        let share = UInt32(level * 256)
        for row in 0..<stamp.height {
          let start = (channel * config.side + stamp.top + row) * config.side + stamp.left
          let ink = stamp.ink + row * stamp.width
          for column in 0..<stamp.width {
            // Levels of 8 bits each, rounded.
            let added = (UInt32(ink[column]) * share + 128) >> 8
            pixels[start + column] = UInt8(min(255, UInt32(pixels[start + column]) + added))
          }
        }
      }
    }
  }
}
