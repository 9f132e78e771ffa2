import Foundation
import Pictures
import Scenes
import Testing

@testable import Datasets

struct OmniglotTests {
  let data: SmallData

  init() throws { data = try SmallData.shared.get() }

  private func config(_ counts: [Int: Int]) -> Omniglot.Config {
    var config = Omniglot.Config()
    config.counts = counts
    (config.validationSize, config.testSize) = (60, 60)
    return config
  }

  @Test func aCharacterOfBothArchivesCountsOnce() throws {
    let drawings = try Characters(dataFolder: data.context.dataFolder).drawings()
    #expect(
      drawings.names
        == ["Greek", "Korean", "Tagalog"].flatMap { ["\($0)/character01", "\($0)/character02"] })
    #expect(drawings.labels.count == 120 && drawings.pixels.count == 120 * 105 * 105)
    #expect(Set(drawings.pixels) == [0, 255])
  }

  @Test func splitsHaveAllCharactersByDifferentDrawers() throws {
    let drawings = try Characters(dataFolder: data.context.dataFolder).drawings()
    // A bar's length tells its drawer: 3 pixels each, in 6 rows.
    let drawers = Split.allCases.map { split in
      Set(
        (drawings.parts[split] ?? []).map { drawing in
          drawings.pixels[drawing * 11025..<(drawing + 1) * 11025].filter { $0 == 255 }.count / 18
        })
    }
    #expect(drawers == [Set(1...16), [17, 18], [19, 20]])
    for split in Split.allCases {
      #expect(Set((drawings.parts[split] ?? []).map { drawings.labels[$0] }) == Set(0..<6))
    }
  }

  @Test func framesHaveSizesOfTheirRangeAndLieInside() throws {
    var config = config([1: 400])
    config.frame.smallest = 20
    config.frame.largest = 24
    let dataset = try Omniglot(config, in: data.context)
    let objects = try scenes(dataset, count: 400).flatMap(\.objects)
    #expect(Set(objects.compactMap(\.scale)) == Set((20...24).map { Double($0) / 64 }))
    for object in objects {
      #expect(object.box.left >= 0 && object.box.right <= 64 && object.box.top >= 0 && object.box.bottom <= 64)
    }
    #expect(dataset.classNames.count == 6)
  }

  @Test func countsAreExactAndStrokesApart() throws {
    let drawn = try scenes(Omniglot(config([0: 20, 2: 40]), in: data.context), count: 60)
    #expect(drawn.filter { $0.count == 2 }.count == 40 && drawn.filter { $0.count == 0 }.count == 20)
    for scene in drawn {
      #expect(scene.pixels.indices.allSatisfy { pixel in scene.masks.filter { $0[pixel] > 0 }.count <= 1 })
    }
  }

  @Test func missingAndBrokenArchivesAreNamed() throws {
    let missing = #expect(throws: DatasetError.self) {
      try Omniglot(.init(), in: DatasetContext(dataFolder: "/nowhere"))
    }
    #expect(try #require(missing).description.contains("airframe data fetch omniglot"))

    let data = try SmallData()
    let file = URL(fileURLWithPath: data.context.dataFolder + "/omniglot/images_background_small2.zip")
    func words(_ files: [(String, [UInt8])]) throws -> String {
      try Data(Zip.archive(files)).write(to: file)
      do { try Omniglot(.init(), in: data.context).prepare(.train) } catch { return "\(error)" }
      return ""
    }
    let before = try Omniglot(.init(), in: data.context).fingerprint
    #expect(try words([("a/readme.txt", [1])]).contains("holds a/readme.txt, expected SET/ALPHABET/characterNN"))
    #expect(try words([("a/b/c/0001_01.png", [1])]).contains("entry a/b/c/0001_01.png is not a readable PNG"))
    let small = try Picture(width: 3, height: 2, channels: 1).png()
    #expect(try words([("a/b/c/0001_01.png", small)]).contains("is 2 x 3 pixels, expected 105 x 105"))
    #expect(try Omniglot(.init(), in: data.context).fingerprint != before)
    try Data([1, 2, 3]).write(to: file)
    let broken = #expect(throws: FileError.self) { try Omniglot(.init(), in: data.context).prepare(.test) }
    #expect(try #require(broken).description.contains("small2.zip: is not a zip archive"))
  }

  @Test func configsThatCannotWorkAreRefused() {
    var config = Omniglot.Config()
    #expect(config.problems().isEmpty)
    config.frame.largest = 65
    #expect(config.problems().map(\.key) == ["frame.largest"])
    config.frame.largest = 20
    #expect(config.problems().map(\.key) == ["frame.smallest"])
    config = .init()
    config.counts = [:]
    #expect(config.problems().map(\.key) == ["counts"])
  }

  /// Needs the real Omniglot: set AIRFRAME_DATA to the folder that holds omniglot/ (skipped otherwise).
  @Test(.enabled(if: hasOmniglot)) func theRealCharactersGiveTheDefaultScenes() throws {
    let folder = try #require(dataFolder)
    let drawings = try Characters(dataFolder: folder).drawings()
    // 136 characters and 156, of which Greek's 24 and Latin's 26 are the same.
    #expect(drawings.names.count == 242 && drawings.labels.count == 242 * 20)
    #expect(Split.allCases.map { drawings.parts[$0]?.count } == [242 * 16, 242 * 2, 242 * 2])
    let dataset = try Omniglot(.init(), in: DatasetContext(dataFolder: folder))
    let drawn = try scenes(dataset, .test, count: 300)
    #expect((0...2).map { number in drawn.filter { $0.count == number }.count } == [100, 100, 100])
    #expect(Set(drawn.flatMap { $0.objects.map(\.label) }).count > 100)
  }
}
