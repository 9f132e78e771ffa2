import Configuration
import Scenes
import Testing

@testable import Datasets

struct MultiDSpritesTests {
  private func dataset(_ change: (inout MultiDSprites.Config) -> Void = { _ in }) -> MultiDSprites {
    var config = MultiDSprites.Config()
    change(&config)
    return MultiDSprites(config)
  }

  @Test func everySpriteIsThereOrNotByChance() throws {
    let drawn = try scenes(dataset(), count: 2000)
    let shares = (0...3).map { number in Double(drawn.count { $0.count == number }) / 2000 }
    // Binomial: 1, 3, 3 and 1 of 8; four standard errors are 0.043.
    for (share, expected) in zip(shares, [0.125, 0.375, 0.375, 0.125]) { #expect(abs(share - expected) < 0.043) }
    let eight = dataset {
      $0.presence = 1
      $0.sprites = 8
    }
    #expect(try scenes(eight, count: 5).allSatisfy { $0.count == 8 })
    #expect(try scenes(dataset { $0.presence = 0 }, count: 5).allSatisfy { $0.count == 0 })
  }

  @Test func colorsAreVisible() throws {
    let objects = try scenes(dataset(), count: 400).flatMap(\.objects)
    let colors = try objects.map { try #require($0.color) }
    #expect(colors.allSatisfy { ($0.max() ?? 0) >= 0.5 && $0.count == 3 && $0.allSatisfy((0...1).contains) })
    #expect(Set(objects.map(\.label)) == [0, 1, 2])
    // Uniform above the rest: of all colors with a channel of at least 0.5, a channel is 15/28 on average.
    let mean = colors.flatMap { $0 }.reduce(0, +) / Double(3 * colors.count)
    #expect(abs(mean - 15.0 / 28) < 0.03)
  }

  /// Each pixel is the sum of its objects' ink in their colors, clipped.
  @Test func overlappingColorsAreSummedAndClipped() throws {
    var clipped = 0
    for scene in try scenes(dataset { $0.presence = 1 }, count: 50) {
      let plane = scene.height * scene.width
      for channel in 0..<3 {
        for pixel in 0..<plane {
          let sum = zip(scene.objects, scene.masks).reduce(0.0) {
            $0 + Double($1.1[pixel]) * ($1.0.color?[channel] ?? 0)
          }
          // A color has 256 levels, and every object is rounded.
          #expect(abs(Double(scene.pixels[channel * plane + pixel]) - min(255, sum)) <= 5)
          clipped += sum > 262 ? 1 : 0
        }
      }
    }
    #expect(clipped > 0)
  }

  @Test func spritesLieInside() throws {
    for object in try scenes(dataset(), count: 300).flatMap(\.objects) {
      let diameter = try #require(object.scale) * 64
      #expect((14...24).contains(diameter))
      #expect((diameter / 2 - 1e-9...64 - diameter / 2 + 1e-9).contains(object.center.x))
      #expect((diameter / 2 - 1e-9...64 - diameter / 2 + 1e-9).contains(object.center.y))
    }
  }

  @Test func trainingScenesNeverComeAgain() throws {
    let order = TrainingOrder(scenes: endlessScenes, seed: 0)
    let other = TrainingOrder(scenes: endlessScenes, seed: 1)
    let (own, others) = (order.indices(0..<6400), other.indices(0..<6400))
    #expect(own == TrainingOrder(scenes: endlessScenes, seed: 0).indices(0..<6400))
    #expect(order.indices(100..<110) == Array(own[100..<110]))
    #expect(Set(own + others).count == 12_800)
    // Nor are they those on which counting is searched, the first ones.
    #expect(own.allSatisfy { $0 > 1_000_000 })
    let loader = try BatchLoader(dataset(), batch: 16, seed: 0)
    let images = (0..<3).map { _ in loader.next() }
    #expect(Set(images.flatMap { $0.scenes.map(\.pixels) }).count > 36)
  }

  @Test func configsThatCannotWorkAreRefused() {
    var config = MultiDSprites.Config()
    #expect(config.problems().isEmpty)
    config.shapes = [.heart, .heart]
    config.diameter.smallest = 30
    #expect(config.problems().map(\.key) == ["shapes", "diameter.smallest"])
  }
}
