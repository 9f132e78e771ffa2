import Configuration
import Datasets
import Scenes
import Testing

/// What must hold for every dataset in the registry.
struct ConformanceTests {
  let mnist: SmallData

  init() throws { mnist = try SmallData.shared.get() }

  private func make(_ name: String) throws -> any Dataset { try datasets.make(datasets.choice(name), mnist.context) }

  @Test(arguments: datasets.names)
  func aSceneDependsOnConfigSplitAndIndexAlone(name: String) throws {
    let first = try make(name)
    let second = try make(name)
    for split in Split.allCases {
      try first.prepare(split)
      try second.prepare(split)
      let forward = (0..<40).map { first.scene($0, of: split) }
      let backward = (0..<40).reversed().map { second.scene($0, of: split) }
      #expect(forward == backward.reversed())
      #expect(Set(forward.map(\.pixels)).count > 20)
    }
  }

  @Test(arguments: datasets.names)
  func splitsHoldDifferentScenes(name: String) throws {
    let dataset = try make(name)
    let images = try Split.allCases.map { split in Set(try scenes(dataset, split, count: 40).map(\.pixels)) }
    // Empty scenes are alike in all splits.
    #expect(images[0].intersection(images[1]).count <= 1)
    #expect(images[0].intersection(images[2]).count <= 1)
    #expect(images[1].intersection(images[2]).count <= 1)
  }

  @Test(arguments: datasets.names)
  func scenesHaveTheDatasetsShapeAndLabels(name: String) throws {
    let dataset = try make(name)
    #expect(dataset.name == name)
    for split in Split.allCases {
      #expect(dataset.size(of: split) >= 40)
      for scene in try scenes(dataset, split, count: 40) {
        #expect([scene.channels, scene.height, scene.width] == [dataset.channels, dataset.height, dataset.width])
        #expect(scene.objects.allSatisfy { dataset.classNames.indices.contains($0.label) })
        #expect(scene.isLabeled ? scene.masks.count == scene.count : scene.objects.isEmpty)
      }
    }
  }

  @Test(arguments: datasets.names)
  func masksChangeNothingElse(name: String) throws {
    let dataset = try make(name)
    for (index, scene) in try scenes(dataset, count: 40).enumerated() {
      let plain = dataset.scene(index, of: .train)
      #expect(plain.pixels == scene.pixels && plain.objects == scene.objects && plain.masks.isEmpty)
    }
  }

  @Test(arguments: datasets.names)
  func boxesHoldAllVisibleInkAndNoMore(name: String) throws {
    for scene in try scenes(make(name), count: 60) {
      for (object, mask) in zip(scene.objects, scene.masks) {
        let darkest = Double(mask.max() ?? 0)
        let visible = mask.indices.filter { Double(mask[$0]) > darkest / 10 }
        let rows = visible.map { Double($0 / scene.width) }
        let columns = visible.map { Double($0 % scene.width) }
        let tight = Box(
          left: try #require(columns.min()), top: try #require(rows.min()), right: try #require(columns.max()) + 1,
          bottom: try #require(rows.max()) + 1)
        #expect(object.box == tight)
      }
    }
  }

  @Test(arguments: datasets.names)
  func theFingerprintIsOfTheFilesAndNotOfTheConfig(name: String) throws {
    let choice = datasets.choice(name)
    let fingerprint = try datasets.make(choice, mnist.context).fingerprint
    #expect(fingerprint.count == 16)
    #expect(try datasets.make(choice, mnist.context).fingerprint == fingerprint)
    if var config = choice.config as? MultiMNIST.Config {
      config.seed = 1
      #expect(try MultiMNIST(config, in: mnist.context).fingerprint == fingerprint)
    }
    if var config = choice.config as? Images.Config {
      config.seed = 1
      #expect(try Images(config, in: mnist.context).fingerprint == fingerprint)
    }
    if var config = choice.config as? MultiSprites.Config {
      config.shapes = [.ellipse]
      #expect(try MultiSprites(config).fingerprint == fingerprint)
    }
  }

  @Test(arguments: datasets.names)
  func theShapeIsKnownFromTheConfigAloneOnceItIsSettled(name: String) throws {
    let dataset = try make(name)
    var choice = datasets.choice(name)
    if let settled = dataset.settled { choice.config = settled }
    let other = try #require(NoScenes(insteadOf: choice))
    #expect([other.channels, other.height, other.width] == [dataset.channels, dataset.height, dataset.width])
    #expect(other.name == name && Split.allCases.allSatisfy { other.size(of: $0) == 0 })
    // A settled config makes the same scenes.
    let again = try datasets.make(choice, mnist.context)
    #expect(try scenes(again, count: 10) == scenes(dataset, count: 10))
  }
}
