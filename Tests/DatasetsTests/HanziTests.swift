import Configuration
import Foundation
import Pictures
import Scenes
import Tensors
import Testing

@testable import Datasets

struct HanziTests {
  let data: SmallData

  init() throws { data = try SmallData.shared.get() }

  private func dataset(_ set: (inout Hanzi.Config) -> Void = { _ in }) throws -> Hanzi {
    var config = Hanzi.Config()
    set(&config)
    return try Hanzi(config, in: data.context)
  }

  /// A model of strokes that are straight lines, on the field of 109 units.
  private func model(_ components: [[Polyline]]) -> KanjiVG.Character {
    KanjiVG.Character(
      name: "X", components: components.enumerated().map { .init(name: "\($0.offset)", strokes: $0.element) })
  }

  private func writing(
    _ model: KanjiVG.Character, seed: Int = 0, _ set: (inout Hanzi.Config) -> Void
  ) -> Handwriting.Writing {
    var config = Hanzi.Config()
    (config.shift, config.slant, config.stroke.offset, config.stroke.distortion) = (0, 0, 0, 0)
    (config.thickness.smallest, config.thickness.largest) = (2, 2)
    (config.frame.smallest, config.frame.largest) = (54.5, 54.5)
    set(&config)
    var generator = RandomStream(seed: seed).generator()
    return Handwriting(config).write(model, &generator)
  }

  @Test func everySampleIsInOneSplit() throws {
    let whole = try dataset()
    #expect(Split.allCases.map(whole.size) == [12_000, 1500, 1500])
    #expect(whole.height == 64 && whole.width == 64 && whole.channels == 1)
    // Without validation and test, training has all 30 samples; with them, each split has some, in their order.
    let all = try dataset { ($0.samples, $0.validationShare, $0.testShare) = (30, 0, 0) }
    let parts = try dataset { ($0.samples, $0.validationShare, $0.testShare) = (30, 0.2, 0.1) }
    #expect(Split.allCases.map(parts.size) == [21 * 50, 6 * 50, 3 * 50])
    let samples = try scenes(all, count: 30 * 50)
    #expect(try Split.allCases.flatMap { try scenes(parts, $0, count: parts.size(of: $0)) } == samples)
    #expect(Set(samples.map(\.pixels)).count == 30 * 50)
  }

  @Test func aSampleIsTheSameWhateverOtherCharactersThereAre() throws {
    let all = try scenes(dataset(), count: 200)
    let third = try #require(Hanzi.characters.unicodeScalars.dropFirst(2).first)
    let alone = try scenes(dataset { $0.characters = String(third) }, count: 4)
    #expect(alone.map(\.pixels) == [2, 52, 102, 152].map { all[$0].pixels })
    #expect(try scenes(dataset { $0.seed = 1 }, count: 200) != all)
  }

  @Test func labelsNameComponents() throws {
    let dataset = try dataset()
    let drawn = try scenes(dataset, count: 50)
    #expect(dataset.classNames == ["0", "1", "10", "11", "12", "13", "14", "15", "2", "3", "4"])
    // As SmallData writes them.
    for (index, scene) in drawn.enumerated() {
      #expect(scene.objects.map { dataset.classNames[$0.label] } == ["\(index % 5)", "\(10 + index % 6)"])
    }
  }

  @Test func allInkIsWithinTheCanvasAndOfTheObjects() throws {
    let dataset = try dataset {
      ($0.side, $0.shift, $0.slant, $0.stroke.offset, $0.stroke.distortion) = (32, 30, 1, 8, 0.5)
      ($0.thickness.smallest, $0.thickness.largest) = (1, 8)
      ($0.frame.smallest, $0.frame.largest) = (10, 200)
    }
    for scene in try scenes(dataset, count: 500) {
      let sums = scene.pixels.indices.map { pixel in scene.masks.reduce(0) { $0 + Int($1[pixel]) } }
      #expect(scene.pixels.map(Int.init) == sums.map { min($0, 255) })
      for (object, mask) in zip(scene.objects, scene.masks) {
        let center = object.box.center
        #expect(abs(center.x - object.center.x) < 2 && abs(center.y - object.center.y) < 2)
        #expect(abs(try #require(object.scale) * 32 - max(object.box.width, object.box.height)) < 3)
        #expect(mask.contains { $0 > 100 })
      }
    }
  }

  @Test func aLinesInkIsItsArea() {
    // From (20, 30) to (80, 30), of a field of 109 units that takes half as many pixels, around the middle of 64.
    let writing = writing(model([[[[20, 30], [80, 30]]]])) { ($0.thickness.smallest, $0.thickness.largest) = (3, 3) }
    let line = writing.components[0][0]
    #expect(length(line[0] - [14.75, 19.75]) < 1e-4 && length(line[1] - [44.75, 19.75]) < 1e-4)
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64 * 64) { memory in
      guard let ink = memory.baseAddress else { return }
      var stamp = Stamp(ink: ink)
      writing.pen.draw(writing.components[0], to: &stamp, side: 64)
      let pixels = UnsafeBufferPointer(start: ink, count: stamp.width * stamp.height)
      // A rectangle of 30 x 3 pixels between two half discs.
      let area = pixels.reduce(0) { $0 + Double($1) } / 255
      #expect(abs(area / (90 + Double.pi * 2.25) - 1) < 0.02)
      let box = stamp.object().box
      #expect(box == Box(left: 13, top: 18, right: 47, bottom: 22) || box.width * box.height > 30 * 3)
      #expect(abs(box.left - 13.25) <= 1 && abs(box.right - 46.25) <= 1 && abs(box.top - 18.25) <= 1)
    }
  }

  @Test func slantLeansTopsToTheRight() {
    let upright = model([[[[54.5, 10], [54.5, 99]]]])
    for seed in 0..<50 {
      let line = writing(upright, seed: seed) { $0.slant = 0.5 }.components[0][0]
      let slant = (line[0].x - line[1].x) / (line[1].y - line[0].y)
      #expect(abs(slant) <= 0.5 && line[1].y - line[0].y == 44.5)
      #expect(abs((line[0].x + line[1].x) / 2 - 32) < 0.6)
    }
    let slants = (0..<200).map { seed in
      let line = writing(upright, seed: seed) { $0.slant = 0.5 }.components[0][0]
      return Double(line[0].x - line[1].x) / 44.5
    }
    // Uniform in -0.5...0.5: the mean of 200 deviates by 0.02, the mean square is 1/12.
    #expect(abs(slants.reduce(0, +) / 200) < 0.08)
    #expect(abs(slants.reduce(0) { $0 + $1 * $1 } / 200 - 1.0 / 12) < 0.02)
  }

  @Test func strokesStrayEachOnItsOwn() {
    let lines = model([[[[30, 40], [60, 40]]], [[[30, 70], [60, 70]]]])
    var offsets: [[SIMD2<Float>]] = [[], []]
    for seed in 0..<400 {
      let writing = writing(lines, seed: seed) { $0.stroke.offset = 1 }
      for component in 0..<2 {
        let line = writing.components[component][0]
        offsets[component].append((line[0] + line[1]) / 2 - [27.25, component == 0 ? 24.75 : 39.75])
        #expect(length(line[1] - line[0] - [15, 0]) < 1e-4)
      }
    }
    for strays in offsets {
      let mean = strays.reduce(.zero, +) / 400
      let square = strays.reduce(.zero) { $0 + $1 * $1 } / 400
      #expect(length(mean) < 0.2 && abs(square.x - 1) < 0.25 && abs(square.y - 1) < 0.25)
    }
    let products = zip(offsets[0], offsets[1]).reduce(SIMD2<Float>.zero) { $0 + $1.0 * $1.1 } / 400
    #expect(abs(products.x) < 0.2 && abs(products.y) < 0.2)
  }

  @Test func missingFilesAndCharactersAreNamed() throws {
    let missing = #expect(throws: DatasetError.self) { try Hanzi(.init(), in: DatasetContext(dataFolder: "/nowhere")) }
    #expect(try #require(missing).description.contains("airframe data fetch kanjivg"))
    let unknown = #expect(throws: DatasetError.self) { try dataset { $0.characters = "仆付龜\u{7}" }.prepare(.train) }
    #expect(try #require(unknown).description.contains("kanjivg.xml.gz: has no character '龜', '\\u{"))

    let data = try SmallData()
    let file = data.context.dataFolder + "/kanjivg/kanjivg.xml.gz"
    let whole = try readFile(file)
    let before = try Hanzi(.init(), in: data.context).fingerprint
    func words(_ bytes: [UInt8]) throws -> String {
      try Data(bytes).write(to: URL(fileURLWithPath: file))
      do { try Hanzi(.init(), in: data.context).prepare(.test) } catch { return "\(error)" }
      return ""
    }
    #expect(try words(whole).isEmpty)
    #expect(
      try words(Array(whole.prefix(whole.count / 2))).contains("kanjivg.xml.gz: the compressed data ends too early"))
    #expect(try words(whole.dropLast(8) + [1, 2, 3, 4, 5, 6, 7, 8]).contains("the compressed data is damaged"))
    #expect(try words([]).contains("kanjivg.xml.gz: is not KanjiVG's XML"))
    #expect(
      try words(Gzip.compress(Array("<kanji id='kvg:kanji_04ec6'><g>".utf8))).contains("ends within the character '仆'"))
    #expect(try Hanzi(.init(), in: data.context).fingerprint != before)
  }

  @Test func configsThatCannotWorkAreRefused() {
    func keys(_ set: (inout Hanzi.Config) -> Void) -> [String] {
      var config = Hanzi.Config()
      set(&config)
      return config.problems().map(\.key)
    }
    #expect(keys { _ in }.isEmpty)
    #expect(keys { $0.characters = "" } == ["characters"])
    #expect(keys { $0.characters = "明林明" } == ["characters"])
    #expect(keys { $0.thickness.smallest = 3.5 } == ["thickness.smallest"])
    #expect(keys { $0.frame.largest = 50 } == ["frame.smallest"])
    #expect(keys { $0.thickness.largest = 16.5 } == ["thickness.largest"])
    #expect(keys { $0.samples = 2 } == ["samples"])
    #expect(keys { ($0.validationShare, $0.testShare) = (0.6, 0.4) } == ["samples"])
  }

  /// Needs the real KanjiVG: set AIRFRAME_DATA to the folder that holds kanjivg/ (skipped otherwise).
  @Test(.enabled(if: hasKanjiVG)) func theRealCharactersGiveTheDefaultScenes() throws {
    let dataset = try Hanzi(.init(), in: DatasetContext(dataFolder: try #require(dataFolder)))
    let drawn = try scenes(dataset, .test, count: 500)
    #expect((2...3).map { number in drawn.filter { $0.count == number }.count } == [250, 250])
    #expect(Set(drawn.flatMap { $0.objects.map(\.label) }) == Set(0..<30) && dataset.classNames.contains("木"))
    // 8 strokes or so of 25 pixels, 2.6 pixels thick, are an eighth of the canvas.
    let ink = drawn.map { scene in scene.pixels.reduce(0) { $0 + Double($1) } / 255 / 4096 }
    #expect(ink.allSatisfy { (0.03...0.3).contains($0) } && (0.1...0.17).contains(ink.reduce(0, +) / 500))
  }
}
