import Configuration
import Foundation
import Scenes
import TestKit
import Testing

@testable import Datasets

struct CasiaGNTTests {
  /// A folder of the user's own files for each test, removed with it.
  private final class Folder {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("airframe-\(UUID().uuidString)").path
    init() throws {
      try FileManager.default.createDirectory(atPath: path + "/gnt", withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ bytes: [UInt8], to name: String) throws {
      try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/gnt/\(name)"))
    }
  }

  private let folder: Folder

  init() throws { folder = try Folder() }

  // As GB 2312 has them.
  private static let a: [UInt8] = [0xB0, 0xA1]  // 啊
  private static let wood: [UInt8] = [0xC4, 0xBE]  // 木
  private static let bright: [UInt8] = [0xC3, 0xF7]  // 明

  private func dataset(_ set: (inout CasiaGNT.Config) -> Void = { _ in }) throws -> CasiaGNT {
    var config = CasiaGNT.Config()
    config.folder = "gnt"
    config.side = 16
    set(&config)
    return try CasiaGNT(config, in: DatasetContext(dataFolder: folder.path))
  }

  private func words(_ work: () throws -> Void) -> String {
    do { try work() } catch { return "\(error)" }
    Issue.record("nothing was thrown")
    return ""
  }

  /// Images of one gray level each, of the canvas's size: what is drawn is 255 less that level.
  private func plain(_ code: [UInt8], _ levels: Range<Int>) -> [UInt8] {
    levels.flatMap { gntRecord(code, height: 16, width: 16, [UInt8](repeating: UInt8(255 - $0), count: 256)) }
  }

  private func inks(_ dataset: CasiaGNT, _ split: Split) throws -> [Int] {
    try scenes(dataset, split, count: dataset.size(of: split)).map { Int($0.pixels[0]) }
  }

  @Test func everySampleIsInOneSplitThatTheSeedDecides() throws {
    try folder.write(plain(Self.wood, 1..<41) + plain(Self.bright, 101..<121), to: "a.gnt")
    try folder.write(plain(Self.wood, 41..<61), to: "b.GNT")
    try folder.write([1, 2, 3], to: "notes.txt")
    let all = try Split.allCases.map { try inks(dataset(), $0) }
    // A tenth of 60 and of 20 each.
    #expect(all.map(\.count) == [64, 8, 8])
    #expect(all.joined().sorted() == Array(1..<61) + Array(101..<121))
    #expect(all[2].filter { $0 > 100 }.count == 2 && all[1].filter { $0 > 100 }.count == 2)
    #expect(try Split.allCases.map { try inks(dataset(), $0) } == all)
    #expect(try inks(dataset { $0.seed = 1 }, .test) != all[2])
    let few = try dataset { ($0.samples, $0.validationShare) = (10, 0) }
    #expect(Split.allCases.map(few.size) == [18, 0, 2])
  }

  @Test func theMostFrequentChineseCharactersAreTakenUnlessSomeAreNamed() throws {
    // Of 木 10, of 明 12, of 啊 11, of A and of a full-width A (A3 C1), which are not Chinese, 20.
    try folder.write(
      plain(Self.wood, 0..<10) + plain(Self.bright, 0..<12) + plain(Self.a, 0..<11) + plain([0x41, 0], 0..<20)
        + plain([0xA3, 0xC1], 0..<20), to: "a.gnt")
    #expect(try dataset().classNames == ["明", "啊", "木"])
    #expect(try dataset { $0.classes = 2 }.classNames == ["明", "啊"])
    #expect(try dataset { $0.characters = "木Ａ" }.classNames == ["木", "Ａ"])
    #expect(try dataset { $0.characters = "A" }.size(of: .train) == 16)
    let settled = try #require(try dataset { $0.classes = 2 }.settled as? CasiaGNT.Config)
    #expect(settled.characters == "明啊")
    for scene in try scenes(dataset(), count: 3) { #expect(scene.count == 1 && scene.isLabeled) }
    #expect(try scenes(dataset(), count: 3).map { $0.objects[0].label } == [0, 1, 2])
  }

  @Test func imagesFitTheCanvasWithTheirProportions() throws {
    // A frame of ink, of two pixels, around 24 x 48 pixels: on 16 pixels it is 8 x 16, in the middle.
    let frame = (0..<24 * 48).map { pixel -> UInt8 in
      let (row, column) = (pixel / 48, pixel % 48)
      return row < 2 || row > 21 || column < 2 || column > 45 ? 0 : 255
    }
    var records: [UInt8] = []
    for _ in 0..<5 { records += gntRecord(Self.wood, height: 24, width: 48, frame) }
    try folder.write(records, to: "a.gnt")
    let scene = try #require(try scenes(dataset(), count: 1).first)
    #expect(scene.objects[0].box == Box(left: 0, top: 4, right: 16, bottom: 12))
    #expect(scene.objects[0].center == Point(x: 8, y: 8) && scene.masks == [scene.pixels])
    #expect(scene.pixels[..<64].allSatisfy { $0 == 0 } && scene.pixels[192...].allSatisfy { $0 == 0 })
    #expect(scene.pixels[64] > 140 && scene.pixels[7 * 16 + 7] == 0 && scene.pixels[8 * 16] > 140)
    // The mean ink stays about as it was; at the edges, pixels count as more.
    let ink = scene.pixels.reduce(0) { $0 + Double($1) } / 128
    #expect(abs(ink / (frame.reduce(0) { $0 + 255 - Double($1) } / (24 * 48)) - 1) < 0.1)

    // What is small grows; a line stays one pixel high.
    records = []
    for _ in 0..<5 { records += gntRecord(Self.wood, height: 1, width: 100, [UInt8](repeating: 0, count: 100)) }
    try folder.write(records, to: "a.gnt")
    #expect(try scenes(dataset(), count: 1)[0].objects[0].box == Box(left: 0, top: 7, right: 16, bottom: 8))
    try folder.write(plain(Self.wood, 255..<256) + plain(Self.wood, 100..<110), to: "a.gnt")
    let large = try scenes(dataset { $0.side = 32 }, count: 5)
    #expect(large.allSatisfy { Set($0.pixels).count == 1 && $0.pixels.count == 1024 })
  }

  @Test func damagedRecordsAreNamedWithTheirPlace() throws {
    let good = plain(Self.wood, 0..<10)
    let place = "(the record at byte 2660); get the file again"
    func words(_ bytes: [UInt8]) throws -> String {
      try folder.write(bytes, to: "a.gnt")
      return self.words { _ = try dataset() }
    }
    #expect(good.count == 2660)
    let record = gntRecord(Self.wood, height: 4, width: 5, [UInt8](repeating: 9, count: 20))
    for (tail, problem) in [
      (Array(record.prefix(9)), "ends after 9 bytes of a record"),
      (Array(record.prefix(29)), "ends after 29 of a record's 30 bytes"),
      ([31] + record[1...], "says that a record has 31 bytes, which for 4 x 5 pixels are 30"),
      (record[..<3] + [0xFF] + record[4...], "says that a record has 4278190110 bytes"),
      (record[..<6] + [0, 0] + record[8...], "has an image of 4 x 0 pixels, expected 1 to 1024 each way"),
      (record[..<6] + [0xFF, 0xFF] + record[8...], "has an image of 4 x 65535 pixels"),
      (record[..<4] + [0xFF, 0xFF] + record[6...], "has the bytes ff ff, which are no character of GBK"),
      (record[..<4] + [0x07, 0x00] + record[6...], "has the bytes 07 00, which are no character of GBK"),
      (record[..<4] + [0x41, 0x41] + record[6...], "has the bytes 41 41, which are no character of GBK"),
      (record[..<4] + [0xB0, 0x20] + record[6...], "has the bytes b0 20, which are no character of GBK"),
    ] as [([UInt8], String)] {
      let words = try words(good + tail)
      #expect(words.hasPrefix("\(folder.path)/gnt/a.gnt: \(problem)") && words.contains(place), "\(words)")
    }
    #expect(try words([]).contains("a.gnt: is empty (the record at byte 0)"))
  }

  @Test func aFileThatIsCutAfterItWasOpenedIsRefused() throws {
    try folder.write(plain(Self.wood, 0..<10), to: "a.gnt")
    let dataset = try dataset()
    try folder.write(plain(Self.wood, 0..<3), to: "a.gnt")
    #expect(words { try dataset.prepare(.train) }.contains("a.gnt: cannot be read at byte"))
  }

  @Test func foldersAndCharactersThatAreNotThereAreNamed() throws {
    #expect(words { _ = try dataset() }.contains("/gnt: holds no file whose name ends in .gnt; put"))
    let none = words { _ = try dataset { $0.folder = "none" } }
    #expect(none.hasPrefix("\(folder.path)/none: no such file or folder; name a folder of CASIA's .gnt files by "))
    #expect(none.contains(" dataset.folder=PATH "))
    #expect(words { _ = try dataset { $0.folder = "./nothing-here" } }.hasPrefix("./nothing-here: no such file"))
    try folder.write(plain(Self.wood, 0..<10), to: "a.gnt")
    #expect(words { _ = try dataset { $0.folder = "gnt/a.gnt" } }.contains("a.gnt: cannot be listed (Not a directory)"))
    let missing = words { _ = try dataset { $0.characters = "木林" } }
    #expect(
      missing.hasSuffix("/gnt: holds no image of '林'; take what is not there out of dataset.characters; there are 木"))
    try folder.write(plain(Self.wood, 0..<10) + plain(Self.bright, 0..<2), to: "a.gnt")
    let few = words { _ = try dataset() }
    #expect(few.contains("/gnt: leaves no sample of '明' for training: 2 of 2 are used; lower dataset.validation_share"))
    try folder.write(plain([0x41, 0], 0..<10), to: "a.gnt")
    #expect(words { _ = try dataset() }.contains("holds no Chinese characters; name others in dataset.characters: A"))
    try FileManager.default.createDirectory(atPath: folder.path + "/gnt/b.gnt", withIntermediateDirectories: true)
    #expect(words { _ = try dataset() }.contains("gnt/b.gnt: is a folder, not a file"))
  }

  @Test func theFingerprintTellsFilesApart() throws {
    try folder.write(plain(Self.wood, 0..<10), to: "a.gnt")
    let before = try dataset().fingerprint
    #expect(try dataset().fingerprint == before)
    try folder.write(plain(Self.wood, 1..<11), to: "a.gnt")
    #expect(try dataset().fingerprint != before)
    try folder.write(plain(Self.wood, 0..<10), to: "a.gnt")
    try folder.write(plain(Self.wood, 0..<10), to: "b.gnt")
    #expect(try dataset().fingerprint != before)
  }

  @Test func configsThatCannotWorkAreRefused() {
    var config = CasiaGNT.Config()
    #expect(config.problems().isEmpty)
    (config.folder, config.characters) = ("", "木木")
    (config.validationShare, config.testShare) = (0.5, 0.5)
    #expect(config.problems().map(\.key) == ["folder", "characters", "test_share"])
  }
}
