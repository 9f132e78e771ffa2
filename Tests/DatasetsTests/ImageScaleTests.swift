import Foundation
import Pictures
import Scenes
import Tensors
import Testing

@testable import Datasets

/// What a stored value means, how many levels are kept, and which files are told apart.
struct ImageScaleTests {
  private final class Folder {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("airframe-\(UUID().uuidString)").path
    init() throws {
      try FileManager.default.createDirectory(atPath: path + "/photos", withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    @discardableResult func write(_ bytes: [UInt8], to name: String) throws -> String {
      try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
      return "\(path)/\(name)"
    }
  }

  private let folder: Folder

  init() throws { folder = try Folder() }

  private func dataset(_ path: String, _ maximum: Double = 0, boxes: String = "") throws -> Images {
    var config = Images.Config()
    (config.path, config.maximum, config.boxes) = (path, maximum, boxes)
    return try Images(config, in: DatasetContext(dataFolder: folder.path))
  }

  private func words(_ work: () throws -> Void) -> String {
    do { try work() } catch { return "\(error)" }
    Issue.record("nothing was thrown")
    return ""
  }

  /// 10 images of 2 x 2 pixels.
  private func write(_ values: NPY.Values) throws {
    try folder.write(NPY(shape: [10, 2, 2], values).bytes, to: "a.npy")
  }

  /// The images that a model sees, in the order of the array.
  private func seen(_ maximum: Double = 0) throws -> [Float] {
    let dataset = try dataset("a.npy", maximum)
    var images = [[Float]](repeating: [], count: 10)
    let order = RandomStream(seed: 0).child("images").permutation(10)
    for (split, places) in [(Split.test, 0..<1), (.validation, 1..<2), (.train, 2..<10)] {
      try dataset.prepare(split)
      let batch = Batch(dataset, split, indices: Array(places.indices.map { $0 - places.lowerBound }))
      let values = batch.images.array()
      for (number, place) in places.enumerated() {
        images[order[place]] = Array(values[4 * number..<4 * number + 4])
      }
    }
    return images.flatMap { $0 }
  }

  private let steps = Array(0..<40)

  @Test func integersThatAreNearlyBlackAreRefusedWithTheKeyOfTheScale() throws {
    let cases: [(values: NPY.Values, largest: Int, white: Int, guess: Int)] = [
      (.uint8(steps.map { UInt8($0 % 2) }), 1, 255, 1), (.uint8(steps.map { UInt8($0 % 16) }), 15, 255, 15),
      (.uint16(steps.map { UInt16(105 * $0) }), 4095, 65535, 4095),
    ]
    for (values, largest, white, guess) in cases {
      try write(values)
      let words = words { _ = try dataset("a.npy") }
      #expect(
        words.contains("a.npy: has no value above \(largest), which is nearly black where \(white) is white")
          && words.contains("set dataset.maximum to the value that means white, perhaps \(guess)")
          && words.contains("dataset.maximum=\(white) says that the images are so dark"), "\(words)")
      #expect(try seen(Double(guess)).max() == 1)
      #expect(try seen(Double(white)).max() == Float(largest) / Float(white))
    }
    // Black is black, and flags are 0 and 1 by their type.
    try write(.uint8(steps.map { _ in 0 }))
    #expect(try seen().max() == 0)
    try write(.flags(steps.map { $0 == 3 }))
    #expect(try seen().max() == 1)
  }

  @Test func integersWithoutAScaleOfTheirOwnNeedOne() throws {
    let numbers = steps.map { 100 * $0 }
    for values in [
      NPY.Values.int16(numbers.map(Int16.init)), .int32(numbers.map(Int32.init)), .int64(numbers.map(Int64.init)),
    ] {
      try write(values)
      #expect(words { _ = try dataset("a.npy") }.contains("does not say what value is white; set dataset.maximum"))
      #expect(try seen(3900) == numbers.map { Float(Double($0) / 3900) })
      #expect(words { _ = try dataset("a.npy", 3800) }.contains("image 9: holds the value 3900, wanted 0 to 3800"))
    }
    try write(.int32(steps.map { Int32($0) - 1 }))
    #expect(words { _ = try dataset("a.npy", 100) }.contains("image 0: holds the value -1, wanted 0 to 100"))
  }

  @Test func floatingPointImagesAreSeenAsTheyAre() throws {
    let levels = steps.map { Float($0) / 39 }
    try write(.float32(levels))
    #expect(try seen() == levels)
    try write(.float64(levels.map { 100 * Double($0) }))
    #expect(try seen(100) == levels)
    let dataset = try dataset("a.npy", 100)
    try dataset.prepare(.train)
    let scene = dataset.scene(0, of: .train)
    let kept = try #require(scene.levels)
    #expect(scene.pixels == kept.map { UInt8(($0 * 255).rounded()) })
  }

  @Test func imagesOfBytesHaveNoSecondCopy() throws {
    let bytes = steps.map { UInt8(6 * $0) }
    for values in [
      NPY.Values.uint8(bytes), .float32(bytes.map { Float($0) / 255 }), .float64(bytes.map { Double($0) / 255 }),
    ] {
      try write(values)
      #expect(try seen() == bytes.map { Float($0) / 255 })
      let dataset = try dataset("a.npy")
      try dataset.prepare(.train)
      #expect((0..<8).allSatisfy { dataset.scene($0, of: .train).levels == nil })
    }
  }

  @Test func levelsMoveWithTheirScene() {
    // 0.001 is black as a byte, and is not black.
    let levels: [Float] = [0, 0.001, 0, 0, 0.5, 0]
    let scene = Scene(
      height: 2, width: 3, pixels: [0, 0, 0, 0, 128, 0], objects: [], levels: levels, isLabeled: false)
    let margins = scene.margins
    #expect(margins.left == 1 && margins.right == 1 && margins.top == 0 && margins.bottom == 0)
    #expect(scene.moved(right: 1, down: 0).levels == [0, 0, 0.001, 0, 0, 0.5])
    #expect(scene.moved(right: 1, down: 0).pixels == [0, 0, 0, 0, 0, 128])
  }

  @Test func sixteenBitFilesKeepTheirLevels() throws {
    let file = try folder.write(Self.gray16, to: "photos/a.png")
    let levels: [Float] = [0, 1000 / 65535, 1]
    #expect(try ImageCollection(file).image(0) == StoredImage(levels: levels))
    let image = try ImageCollection(file, channels: .color).image(0)
    #expect(image.levels == levels + levels + levels && image.pixels == [0, 4, 255, 0, 4, 255, 0, 4, 255])
    let words = words { _ = try ImageCollection(file, maximum: 4095, key: "path").image(0) }
    #expect(words.contains("a.png: holds the value 65535, wanted 0 to 4095; set dataset.maximum"))
  }

  /// 3 x 1 pixels of 16 bits: 0, 1000 and 65535.
  private static let gray16: [UInt8] = [
    0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0x00, 0x00, 0x00, 0x0D, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x01, 0x10, 0x00, 0x00, 0x00, 0x00, 0x6E, 0x1B, 0x97,
    0x2B, 0x00, 0x00, 0x00, 0x0F, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9C, 0x63, 0x60, 0x60, 0x60, 0x7E,
    0xF1, 0xFF, 0x3F, 0x00, 0x05, 0xC8, 0x02, 0xEA, 0x94, 0x66, 0x84, 0x05, 0x00, 0x00, 0x00, 0x00,
    0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82,
  ]

  @Test func darkFilesAreRefusedTogetherAndOneDarkImageIsNot() throws {
    func write(brightest: UInt8) throws {
      for index in 0..<10 {
        let picture = Picture(width: 2, height: 2, channels: 1, fill: index == 9 ? brightest : 1)
        try folder.write(picture.png(), to: "photos/\(index).png")
      }
    }
    try write(brightest: 1)
    let dark = try dataset("photos")
    #expect(
      words { try dark.prepare(.train) }.contains("photos: has no value above 1, which is nearly black where 255"))
    for index in 0..<9 {
      try folder.write(Picture(width: 2, height: 2, channels: 1, fill: 200).png(), to: "photos/\(index).png")
    }
    try dataset("photos").prepare(.train)
    let masks = try dataset("photos", 255)
    try masks.prepare(.train)
  }

  @Test func foldersOfOtherPicturesAreNamed() throws {
    for name in ["a.jpg", "b.JPG", "c.gif"] { try folder.write([0xFF, 0xD8, 0xFF, 0xE0], to: "photos/\(name)") }
    #expect(words { _ = try dataset("photos") }.contains("holds no file whose name ends in .png (but 2 in .jpg)"))
    #expect(
      words { _ = try dataset("photos/a.jpg") }.contains("a.jpg: is a JPEG picture, not a readable PNG; convert it"))
    try folder.write(Array("<html>".utf8), to: "x.npz")
    #expect(words { _ = try dataset("x.npz") }.contains("x.npz: is a web page (HTML), not a zip archive"))
  }

  @Test func aBillionTinyImagesAreRefusedByTheirHeader() throws {
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (16777217, 1, 1), }\n"
    let file: [UInt8] =
      [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8)
      + [UInt8](repeating: 0, count: (1 << 24) + 1)
    try folder.write(Zip.archive([("images.npy", file)]), to: "a.npz")
    #expect(words { _ = try dataset("a.npz") }.contains("(16777217, 1, 1): 16777217 images, the limit is 16777216"))
  }

  /// é as one character and as two: one text, two files.
  @Test func namesThatOnlyFilesTellApartGetTheirOwnBoxes() throws {
    let names = ["\u{E9}.png", "e\u{301}.png"]
    #expect(names[0] == names[1])
    for name in names + (0..<8).map({ "\($0).png" }) {
      try folder.write(Picture(width: 5, height: 4, channels: 1, fill: 200).png(), to: "photos/\(name)")
    }
    let images = try ImageCollection("\(folder.path)/photos")
    #expect(images.count == 10)
    let rows = "image,left,top,right,bottom\n\(names[0]),0,0,1,1\n\(names[1]),0,0,2,2\n\(names[1]),1,1,2,2\n"
    let table = try BoxTable(
      bytes: Array(rows.utf8), name: "boxes.csv", images: images.names, in: images.path, shape: images.shape)
    for (name, boxes) in [(names[0], 1), (names[1], 2)] {
      let index = try #require(images.names.firstIndex { $0.utf8.elementsEqual(name.utf8) })
      #expect(table.objects[index].count == boxes)
    }
  }
}
