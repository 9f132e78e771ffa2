import Configuration
import Scenes
import Testing

@testable import Datasets

struct OverlapTests {
  let mnist: SmallData

  init() throws { mnist = try SmallData.shared.get() }

  private func crowd(_ rule: OverlapRule) throws -> [Scene] {
    var config = MultiMNIST.Config([3: 150], overlap: rule)
    config.digit.scale = 0.8
    return try scenes(MultiMNIST(config, in: mnist.context), count: 150)
  }

  @Test func saturationKeepsEverySumWithinOne() throws {
    let scenes = try crowd(.saturation)
    #expect(scenes.allSatisfy { largestSum($0) <= 255 })
    #expect(scenes.contains { hasSharedInk($0) }, "the rule allows faint overlaps")
    for scene in scenes {
      let sums = scene.pixels.indices.map { pixel in scene.masks.reduce(0) { $0 + Int($1[pixel]) } }
      #expect(sums == scene.pixels.map(Int.init))
    }
  }

  @Test func strokesNeverShareAPixel() throws {
    let scenes = try crowd(.strokes)
    #expect(!scenes.contains { hasSharedInk($0) })
    #expect(scenes.contains { hasSharedBoxes($0) }, "the rule allows boxes to overlap")
  }

  @Test func boxesShareNoArea() throws {
    #expect(try !crowd(.boxes).contains { hasSharedBoxes($0) })
  }

  @Test func allowedSumsAreClipped() throws {
    let scenes = try crowd(.allowed)
    #expect(scenes.contains { largestSum($0) > 255 })
    for scene in scenes {
      let sums = scene.pixels.indices.map { pixel in scene.masks.reduce(0) { $0 + Int($1[pixel]) } }
      #expect(sums.map { min($0, 255) } == scene.pixels.map(Int.init))
    }
  }

  @Test func scenesThatCannotFitAreRefused() throws {
    let dataset = try MultiMNIST(.init([1: 50, 12: 50], overlap: .boxes), in: mnist.context)
    let error = #expect(throws: DatasetError.self) { try dataset.prepare(.train) }
    #expect(error == .crowded(objects: 12, rule: "boxes", height: 50, width: 50))
    let words = try #require(error).description
    for part in ["12 objects", "50 x 50", "overlap: boxes", "overlap: allowed"] { #expect(words.contains(part)) }
  }

  private func hasSharedInk(_ scene: Scene) -> Bool {
    scene.pixels.indices.contains { pixel in scene.masks.filter { $0[pixel] > 0 }.count > 1 }
  }

  private func hasSharedBoxes(_ scene: Scene) -> Bool {
    scene.objects.indices.contains { first in
      scene.objects[..<first].contains { $0.box.sharedArea(with: scene.objects[first].box) > 0 }
    }
  }
}
