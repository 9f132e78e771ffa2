import Configuration
import Glibc
import Scenes
import Tensors

/// The range of the diameters of shapes, which are uniform in it (keys of `dataset.diameter`).
public struct ShapeDiameter: Configurable {
  public var smallest = 12.0, largest = 22.0

  public init() {}

  init(smallest: Double, largest: Double) { (self.smallest, self.largest) = (smallest, largest) }

  public static let fields: [Field<Self>] = [
    .number("smallest", \.smallest, in: 3...256, "pixels"),
    .number("largest", \.largest, in: 3...256, "pixels"),
  ]
}

/// A random shape with random diameter, position and angle, completely inside a canvas of `side` pixels.
struct RandomShape {
  let shapes: [Shape]
  let diameter: ShapeDiameter
  let side: Int

  /// The problems of the keys `shapes` and `diameter`.
  var problems: [Problem] {
    var problems: [Problem] = []
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

  /// Draws a shape; its label is the index in `shapes`. Requires that there are no problems.
  func draw(_ stamp: inout Stamp, _ generator: inout RandomGenerator) {
    stamp.label = generator.integer(below: shapes.count)
    let diameter = generator.uniform(in: diameter.smallest...diameter.largest)
    let range = diameter / 2...Double(side) - diameter / 2
    stamp.center = Point(x: generator.uniform(in: range), y: generator.uniform(in: range))
    stamp.angle = 2 * Double.pi * generator.uniform()
    stamp.scale = diameter / Double(side)
    shapes[stamp.label].draw(stamp: &stamp, diameter: diameter, side: side)
  }
}
