import Configuration
import Foundation
import Scenes
import Testing

@testable import Datasets

struct MultiSpritesTests {
  private func alone(_ shapes: [Shape], side: Int = 64) throws -> [Scene] {
    var config = MultiSprites.Config()
    config.shapes = shapes
    config.side = side
    config.counts = [1: 200]
    return try scenes(MultiSprites(config), count: 200)
  }

  @Test func theDefaultHasThePapersSize() throws {
    let dataset = try MultiSprites(.init())
    #expect(Split.allCases.map(dataset.size) == [90_000, 2000, 2000])
    #expect(dataset.height == 64 && dataset.width == 64)
    #expect(dataset.classNames == ["square", "triangle", "ellipse"])
    let drawn = try scenes(dataset, count: 400)
    #expect((0...3).map { number in drawn.filter { $0.count == number }.count } == [100, 100, 100, 100])
    #expect(drawn.allSatisfy { largestSum($0) <= 255 })
  }

  /// Areas of shapes inscribed in a circle of diameter 1: 1/2, sqrt(27)/16, pi/8, (4 + pi)(22 - 12 sqrt 2)/64.
  @Test(arguments: zip([Shape.square, .triangle, .ellipse, .heart], [0.5, 0.324760, 0.392699, 0.561222]))
  func anObjectsInkIsItsArea(shape: Shape, area: Double) throws {
    var excess = 0.0
    for scene in try alone([shape]) {
      let diameter = try #require(scene.objects[0].scale) * 64
      let ink = scene.pixels.reduce(0) { $0 + Double($1) } / 255
      let share = ink / (area * diameter * diameter)
      #expect(abs(share - 1) < 0.05, "\(shape) of diameter \(diameter)")
      excess += share - 1
    }
    #expect(abs(excess) / 200 < 0.015)
  }

  @Test(arguments: [Shape.square, .triangle, .ellipse])
  func theCenterIsTheCenterOfTheInk(shape: Shape) throws {
    for scene in try alone([shape]) {
      let center = moments(scene).center
      #expect(abs(center.x - scene.objects[0].center.x) < 0.1 && abs(center.y - scene.objects[0].center.y) < 0.1)
    }
  }

  /// Large and upright: mirrored, its tip below, a notch between the lobes above, inscribed in its circle.
  @Test func aHeartHasTwoLobesANotchAndATip() {
    let side = 201
    let heart = upright(.heart, side: side)
    let ink = { (x: Int, y: Int) in Int(heart[y * side + x]) }
    let inked = (0..<side * side).filter { heart[$0] > 127 }
    for y in 0..<side { for x in 0..<100 { #expect(abs(ink(x, y) - ink(200 - x, y)) <= 1) } }
    // The tip is where the circle is lowest; on no other side does ink come near the bottom.
    #expect(inked.last.map { ($0 / side, $0 % side) }.map { $0.0 >= 198 && abs($0.1 - 100) <= 1 } == true)
    // The discs of radius r = (3 sqrt 2 - 2) / 4 are centered at (+-r / sqrt 2, 1 - 3 r / sqrt 2); the notch between them
    // is the corner of the square, at 1 - 2 sqrt 2 r.
    let top = 1 - 3 * 0.56066 * 0.70711 - 0.56066
    let row = { (y: Double) in Int(((y + 1) * 100.5).rounded()) }
    #expect(abs((inked.first ?? 0) / side - row(top)) <= 1)
    let notch = (0..<side).first { ink(100, $0) > 127 } ?? 0
    #expect(abs(notch - row(1 - 2 * 0.70711 * 2 * 0.56066)) <= 1)
    let reach = inked.map { hypot(Double($0 % side) - 100, Double($0 / side) - 100) }.max() ?? 0
    #expect(abs(reach - 100.5) < 1)
  }

  @Test func theAngleIsThatOfTheLongAxis() throws {
    for scene in try alone([.ellipse]) {
      let angle = try #require(scene.objects[0].angle)
      let turn = (moments(scene).axis - angle).remainder(dividingBy: .pi)
      #expect(abs(turn) < 0.06)
    }
  }

  @Test func diametersAreUniformAndObjectsLieInside() throws {
    let objects = try alone(Shape.allCases).flatMap(\.objects)
    let diameters = try objects.map { try #require($0.scale) * 64 }
    #expect(diameters.allSatisfy { (12...22).contains($0) })
    let mean = diameters.reduce(0, +) / 200
    #expect(abs(mean - 17) < 0.8)
    for (object, diameter) in zip(objects, diameters) {
      #expect((diameter / 2 - 1e-9...64 - diameter / 2 + 1e-9).contains(object.center.x))
      #expect((diameter / 2 - 1e-9...64 - diameter / 2 + 1e-9).contains(object.center.y))
    }
    #expect(Set(objects.map(\.label)) == [0, 1, 2, 3])
  }

  @Test func aSmallCanvasServesTheQuickStart() throws {
    var config = MultiSprites.Config()
    config.side = 50
    config.counts = [0: 100, 1: 100, 2: 100]
    #expect(try scenes(MultiSprites(config), count: 60).allSatisfy { $0.height == 50 && $0.count <= 2 })
  }

  @Test func configsThatCannotWorkAreRefused() {
    var config = MultiSprites.Config()
    #expect(config.problems().isEmpty)
    config.shapes = []
    config.diameter.smallest = 30
    #expect(config.problems().map(\.key) == ["shapes", "diameter.smallest"])
    config = .init()
    config.side = 16
    #expect(config.problems().map(\.key) == ["diameter.largest"])
  }

  /// The shape over the whole of a canvas, not rotated.
  private func upright(_ shape: Shape, side: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: side * side) { buffer, count in
      guard let base = buffer.baseAddress else { return }
      var stamp = Stamp(ink: base)
      stamp.center = Point(x: Double(side) / 2, y: Double(side) / 2)
      shape.draw(stamp: &stamp, diameter: Double(side), side: side)
      count = side * side
    }
  }

  /// The center of the ink, and the angle of its longest axis.
  private func moments(_ scene: Scene) -> (center: Point, axis: Double) {
    var mass = 0.0
    var x = 0.0
    var y = 0.0
    var xx = 0.0
    var yy = 0.0
    var xy = 0.0
    for (index, level) in scene.pixels.enumerated() where level > 0 {
      let weight = Double(level)
      let column = Double(index % scene.width) + 0.5
      let row = Double(index / scene.width) + 0.5
      mass += weight
      x += weight * column
      y += weight * row
      xx += weight * column * column
      yy += weight * row * row
      xy += weight * column * row
    }
    let center = Point(x: x / mass, y: y / mass)
    let across = xx / mass - center.x * center.x
    let down = yy / mass - center.y * center.y
    return (center, atan2(2 * (xy / mass - center.x * center.y), across - down) / 2)
  }
}
