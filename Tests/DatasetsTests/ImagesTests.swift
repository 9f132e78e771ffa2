import Configuration
import Foundation
import Pictures
import Scenes
import Testing

@testable import Datasets

/// A folder of the user's own files for each test, removed with it.
struct ImagesTests {
  private final class Folder {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("airframe-\(UUID().uuidString)").path
    init() throws {
      try FileManager.default.createDirectory(atPath: path + "/photos", withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ bytes: [UInt8], to name: String) throws {
      try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    }
  }

  private let folder: Folder

  init() throws { folder = try Folder() }

  /// Writes gray images of 4 x 5 pixels: image i has the level i everywhere.
  private func writePhotos(_ count: Int, channels: Int = 1) throws {
    for index in 0..<count {
      try folder.write(
        Picture(width: 5, height: 4, channels: channels, fill: UInt8(index)).png(),
        to: "photos/\(index < 10 ? "0" : "")\(index).png")
    }
  }

  private func dataset(_ set: (inout Images.Config) -> Void = { _ in }) throws -> Images {
    var config = Images.Config()
    config.path = "photos"
    // The images of these tests are dark.
    config.maximum = 255
    set(&config)
    return try Images(config, in: DatasetContext(dataFolder: folder.path))
  }

  private func words(_ work: () throws -> Void) -> String {
    do { try work() } catch { return "\(error)" }
    Issue.record("nothing was thrown")
    return ""
  }

  private func levels(_ dataset: Images, _ split: Split) throws -> [UInt8] {
    try scenes(dataset, split, count: dataset.size(of: split)).map { $0.pixels[0] }
  }

  @Test func everyImageIsInOneSplitThatTheSeedDecides() throws {
    try writePhotos(40)
    let all = try Split.allCases.map { try levels(dataset(), $0) }
    #expect(all.map(\.count) == [32, 4, 4])
    #expect(all.joined().sorted() == Array(0..<40))
    #expect(try Split.allCases.map { try levels(dataset(), $0) } == all)
    #expect(try levels(dataset { $0.seed = 1 }, .test) != all[2])
    let shares = try dataset {
      $0.validationShare = 0.5
      $0.testShare = 0
    }
    #expect(Split.allCases.map(shares.size) == [20, 20, 0])
  }

  @Test func withoutBoxesScenesAreUnlabeled() throws {
    try writePhotos(10)
    let scene = try #require(try scenes(dataset(), count: 1).first)
    #expect(!scene.isLabeled && scene.objects.isEmpty && [scene.channels, scene.height, scene.width] == [1, 4, 5])
  }

  @Test func boxesAreTheTruthAndImagesWithoutARowHaveNoObjects() throws {
    try writePhotos(10)
    try folder.write(
      Array("\u{FEFF}label,image,top,left,bottom,right\r\n3,\"00.png\",0,1,2.5,5\r\n\r\n0,00.png,1,1,2,2\n".utf8),
      to: "boxes.csv")
    let dataset = try dataset { $0.boxes = "boxes.csv" }
    #expect(dataset.classNames == ["0", "1", "2", "3"])
    for split in Split.allCases {
      for scene in try scenes(dataset, split, count: dataset.size(of: split)) {
        #expect(scene.isLabeled && scene.count == (scene.pixels[0] == 0 ? 2 : 0))
        guard let object = scene.objects.first else { continue }
        #expect(object.label == 3 && object.box == Box(left: 1, top: 0, right: 5, bottom: 2.5))
        #expect(object.center == Point(x: 3, y: 1.25) && object.scale == 0.8)
      }
    }
  }

  @Test(arguments: [
    ("image,left,top,right\n", "boxes.csv:1: has no column 'bottom'"),
    ("", "has no column 'image'"),
    ("image,left,top,right,bottom,color\n", "has the column 'color', unknown or named twice"),
    ("image,left,top,right,bottom,left\n", "has the column 'left', unknown or named twice"),
    ("image,left,top,right,bottom\n00.png,0,0,two,2\n", "boxes.csv:2: has 'two' as right, which is not a number"),
    ("image,left,top,right,bottom\n00.png,nan,0,2,2\n", "has 'nan' as left"),
    ("image,left,top,right,bottom\n\n99.png,0,0,2,2\n", "boxes.csv:3: names the image '99.png', which is not in"),
    ("image,left,top,right,bottom\n00.png,0,0,6,2\n", "leaves the image of 4 x 5 pixels"),
    ("image,left,top,right,bottom\n00.png,3,0,3,2\n", "which is empty or leaves"),
    ("image,left,top,right,bottom\n00.png,0,0,2\n", "has 4 fields, the first row names 5"),
    ("image,left,top,right,bottom,label\n00.png,0,0,2,2,10000\n", "has the label '10000'; write a whole number from 0"),
    ("image,left,top,right,bottom,label\n00.png,0,0,2,2,cat\n", "has the label 'cat'"),
    ("image,left,top,right,bottom\n\"00.png,0,0,2,2\n", "boxes.csv:2: has a quote that does not end"),
  ])
  func faultsOfTheBoxesNameTheLine(csv: String, problem: String) throws {
    try writePhotos(3)
    try folder.write(Array(csv.utf8), to: "boxes.csv")
    let words = words { _ = try dataset { $0.boxes = "boxes.csv" } }
    #expect(words.contains(problem), "\(words)")
  }

  @Test func aLongFieldIsShownInPart() throws {
    try writePhotos(3)
    let long = String(repeating: "x", count: 1_000_000)
    for row in ["\(long),0,0,1,1", "00.png,\(long),0,1,1"] {
      try folder.write(Array("image,left,top,right,bottom\n\(row)\n".utf8), to: "boxes.csv")
      let words = words { _ = try dataset { $0.boxes = "boxes.csv" } }
      #expect(words.contains("'\(long.prefix(80))...'") && words.utf8.count < 1000)
    }
  }

  @Test func imagesThatCannotServeAreNamed() throws {
    #expect(words { _ = try dataset() }.contains("photos: holds no file whose name ends in .png"))
    #expect(words { _ = try dataset { $0.path = "none" } }.contains("\(folder.path)/none: no such file or folder"))
    try writePhotos(2)
    #expect(words { _ = try dataset() }.contains("holds 2 images, of which none are left for training"))
    try writePhotos(10)
    try folder.write(Picture(width: 4, height: 4, channels: 1).png(), to: "photos/05.png")
    func prepareAll() throws { for split in Split.allCases { try dataset().prepare(split) } }
    #expect(words(prepareAll).contains("photos/05.png: is 4 x 4 pixels, wanted 4 x 5; resize it"))
    try folder.write(Picture(width: 5, height: 4, channels: 3).png(), to: "photos/05.png")
    #expect(words(prepareAll).contains("photos/05.png: has 3 channels, the first image has 1; set dataset.channels"))
    try folder.write([1, 2, 3], to: "photos/05.png")
    #expect(words(prepareAll).contains("photos/05.png: is not a readable PNG"))
    #expect(words { _ = try dataset { $0.height = 8 } }.contains("photos/00.png: is 4 x 5 pixels, wanted 8 x 5"))
    try folder.write([1, 2, 3], to: "photos/00.png")
    #expect(words { _ = try dataset() }.contains("photos/00.png: is not a readable PNG"))
  }

  @Test func channelsAreConvertedWhereThatIsSaid() throws {
    try writePhotos(10, channels: 3)
    try folder.write(Picture(width: 5, height: 4, channels: 1, fill: 3).png(), to: "photos/03.png")
    #expect(try dataset().channels == 3)
    let gray = try dataset { $0.channels = .gray }
    #expect(gray.channels == 1)
    #expect(try levels(gray, .train).allSatisfy { $0 < 10 })
    let color = try dataset { $0.channels = .color }
    for scene in try scenes(color, count: 8) {
      #expect(scene.pixels == [UInt8](repeating: scene.pixels[0], count: 60))
    }
    // ITU-R BT.601: 0.299 red + 0.587 green + 0.114 blue; planes come one after the other.
    let pixels = (0..<20).flatMap { _ in [200, 100, 50] as [UInt8] }
    try folder.write(Picture(width: 5, height: 4, channels: 3, pixels: pixels).png(), to: "one.png")
    let one = try ImageCollection("\(folder.path)/one.png", channels: .gray).image(0).pixels
    #expect(one.allSatisfy { abs(Int($0) - 124) <= 1 })
    let planes = try ImageCollection("\(folder.path)/one.png").image(0).pixels
    #expect(planes == [200, 100, 50].flatMap { [UInt8](repeating: $0, count: 20) })
  }

  /// Images whose value at (channel c, row r, column x) of image i is 100 c + 10 r + x + i.
  @Test(arguments: [[6, 4, 5], [6, 4, 5, 1], [6, 1, 4, 5], [6, 4, 5, 3], [6, 3, 4, 5]])
  func arraysAreReadInEveryLayout(shape: [Int]) throws {
    let isColor = shape.contains(3)
    func value(_ image: Int, _ channel: Int, _ row: Int, _ column: Int) -> UInt8 {
      UInt8(100 * channel / 2 + 10 * row + column + image)
    }
    let places = (0..<4).flatMap { row in (0..<5).map { (row, $0) } }
    let values = (0..<6).flatMap { image in
      shape.count == 4 && shape[1] == 3
        ? (0..<3).flatMap { channel in places.map { value(image, channel, $0, $1) } }
        : places.flatMap { row, column in (0..<(isColor ? 3 : 1)).map { value(image, $0, row, column) } }
    }
    for array in [
      NPY.Values.uint8(values), .float32(values.map { Float($0) / 255 }), .float64(values.map { Double($0) / 255 }),
    ] {
      try folder.write(NPZ.bytes([("images", NPY(shape: shape, array))]), to: "photos.npz")
      let images = try ImageCollection("\(folder.path)/photos.npz")
      #expect(images.shape == SceneShape(channels: isColor ? 3 : 1, height: 4, width: 5) && images.count == 6)
      for image in 0..<6 {
        let wanted = (0..<images.shape.channels).flatMap { channel in places.map { value(image, channel, $0, $1) } }
        #expect(try images.image(image) == StoredImage(pixels: wanted))
      }
    }
  }

  @Test func boxesOfAnArrayNameImagesByIndex() throws {
    try folder.write(
      NPZ.bytes([("images", NPY(shape: [8, 2, 2], .flags((0..<32).map { $0 < 4 })))]), to: "photos.npz")
    try folder.write(Array("image,left,top,right,bottom\n0,0,0,1,2\n".utf8), to: "boxes.csv")
    let dataset = try dataset {
      $0.path = "photos.npz"
      $0.boxes = "\(folder.path)/boxes.csv"
    }
    for split in Split.allCases {
      for scene in try scenes(dataset, split, count: dataset.size(of: split)) {
        #expect(scene.count == (scene.pixels[0] == 255 ? 1 : 0))
      }
    }
    #expect(dataset.classNames == ["object"])
  }

  @Test func arraysThatAreNoImagesAreRefused() throws {
    func words(_ name: String, _ array: NPY) throws -> String {
      try folder.write(NPZ.bytes([(name, array)]), to: "photos.npz")
      return self.words {
        _ = try dataset {
          $0.path = "photos.npz"
          $0.maximum = 0
        }
      }
    }
    let flat = NPY.Values.uint8([UInt8](repeating: 0, count: 48))
    #expect(try words("x", NPY(shape: [48], flat)).contains("photos.npz: holds no array 'images' (arrays: x)"))
    #expect(try words("images", NPY(shape: [6, 8], flat)).contains("holds images of shape (6, 8); give it (n, height"))
    #expect(try words("images", NPY(shape: [2, 2, 6, 2], flat)).contains("holds images of shape (2, 2, 6, 2)"))
    #expect(try words("images", NPY(shape: [0, 2, 6], .uint8([]))).contains("holds images of shape (0, 2, 6)"))
    #expect(
      try words("images", NPY(shape: [1, 1, 1], .int64([1]))).contains(
        "type int64, which does not say what value is white; set dataset.maximum"))
    for value in [1.5, -0.1, Float.nan] {
      #expect(
        try words("images", NPY(shape: [2, 1, 1], .float32([0, value]))).contains(
          "image 1: holds the value \(value), wanted 0"))
    }
    try folder.write([0x50, 0x4B], to: "photos.npz")
    #expect(
      self.words { _ = try dataset { $0.path = "photos.npz" } }.contains("photos.npz: is text, not a zip archive"))
  }

  @Test func relativePathsLieInTheDataFolderUnlessTheySayOtherwise() throws {
    for path in ["./nothing-here", "../nothing-here", "/nothing-here"] {
      #expect(words { _ = try dataset { $0.path = path } }.hasPrefix("\(path): no such file"))
    }
    #expect(
      words { _ = try dataset { $0.path = "nothing-here" } }.hasPrefix("\(folder.path)/nothing-here: no such file"))
  }

  @Test func theFingerprintTellsContentsApart() throws {
    try writePhotos(10)
    try folder.write(Array("image,left,top,right,bottom\n00.png,0,0,1,2\n".utf8), to: "boxes.csv")
    let labeled = { try dataset { $0.boxes = "boxes.csv" }.fingerprint }
    let (plain, boxes) = (try dataset().fingerprint, try labeled())
    #expect(try dataset().fingerprint == plain && plain != boxes)
    // The same size and name, one pixel changed.
    var picture = Picture(width: 5, height: 4, channels: 1, fill: 9)
    picture.pixels[7] = 10
    try folder.write(picture.png(), to: "photos/09.png")
    #expect(try dataset().fingerprint != plain)
    try writePhotos(10)
    #expect(try dataset().fingerprint == plain)
    try folder.write(Array("image,left,top,right,bottom\n00.png,0,0,2,2\n".utf8), to: "boxes.csv")
    #expect(try labeled() != boxes)
  }

  @Test func configsThatCannotWorkAreRefused() {
    var config = Images.Config()
    #expect(config.problems().isEmpty && config.sceneShape == nil)
    config.path = ""
    #expect(config.problems().map(\.key) == ["path"])
    config = .init()
    (config.validationShare, config.testShare) = (0.5, 0.5)
    #expect(config.problems().map(\.key) == ["test_share"])
  }
}
