import Configuration
import Scenes
import Testing

@testable import Datasets

struct BackgroundTests {
  private func drawn(_ background: String) throws -> [Scene] {
    var config = MultiSprites.Config()
    config.counts = [0: 50, 2: 50]
    config.background = backgrounds.choice(background)
    return try scenes(MultiSprites(config), count: 40)
  }

  @Test(arguments: backgrounds.names)
  func objectsAreTheSameWhateverLiesBehindThem(name: String) throws {
    let plain = try drawn("none")
    let laid = try drawn(name)
    #expect(plain.map(\.objects) == laid.map(\.objects) && plain.map(\.masks) == laid.map(\.masks))
    for (bare, scene) in zip(plain, laid) {
      // Ink stays on top: nothing gets darker, and full ink stays full.
      #expect(zip(bare.pixels, scene.pixels).allSatisfy { $0 <= $1 && ($0 < 255 || $1 == 255) })
    }
  }

  @Test func aConstantBackgroundHasOneLevel() throws {
    for scene in try drawn("constant") where scene.count == 0 {
      #expect(Set(scene.pixels) == [77])  // 0.3 * 255
    }
  }

  @Test func aGradientRunsFromLowToHighAlongALine() throws {
    let empty = try drawn("gradient").filter { $0.count == 0 }
    #expect(Set(empty.map(\.pixels)).count == empty.count)
    for scene in empty {
      #expect(try #require(scene.pixels.min()) <= 2 && abs(Int(scene.pixels.max() ?? 0) - 102) <= 2)
      func slope(_ stride: Int, at index: Int) -> Int { Int(scene.pixels[index + stride]) - Int(scene.pixels[index]) }
      let across = (0..<4000).map { slope(1, at: $0) }.enumerated().filter { $0.offset % 64 < 63 }.map(\.element)
      let down = (0..<4000).map { slope(64, at: $0) }
      #expect((across.max() ?? 0) - (across.min() ?? 0) <= 1 && (down.max() ?? 0) - (down.min() ?? 0) <= 1)
    }
  }

  @Test func aTextureIsSmoothWithinItsLevelsAndDiffersFromSceneToScene() throws {
    let empty = try drawn("texture").filter { $0.count == 0 }
    #expect(Set(empty.map(\.pixels)).count == empty.count)
    for scene in empty {
      let levels = scene.pixels.map(Int.init)
      #expect(levels.allSatisfy { $0 <= 102 } && Set(levels).count > 30)
      let jumps = (0..<4032).map { abs(levels[$0 + 64] - levels[$0]) }
      #expect((jumps.max() ?? 0) < 40)
    }
  }
}
