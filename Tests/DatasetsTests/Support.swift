import Datasets
import Foundation
import Pictures
import Scenes
import TestKit

/// A data folder with a small MNIST of its own, a small Omniglot, the default characters of Hanzi in other strokes, images
/// of characters in a GNT file, and own images, so that no test needs the real ones.
///
/// Of 600 training digits the first 500 are labeled 0 to 4, the last 100 are labeled 5 to 8; the 120 test digits are
/// labeled 9. A digit is a few strokes, its ink within the middle 20 x 20 pixels, as in MNIST.
final class SmallData: Sendable {
  /// For tests that change nothing in it.
  static let shared: Result<SmallData, any Error> = Result {
    let mnist = try SmallData()
    atexit { (try? SmallData.shared.get())?.remove() }
    return mnist
  }

  let context: DatasetContext
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("airframe-\(UUID().uuidString)")
    let place = folder.appendingPathComponent("mnist")
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    context = DatasetContext(dataFolder: folder.path)
    try Self.write((0..<600).map { $0 < 500 ? $0 % 5 : 5 + $0 % 4 }, to: place, as: "train")
    try Self.write((0..<120).map { _ in 9 }, to: place, as: "t10k")
    try Self.writeOmniglot(to: folder.appendingPathComponent("omniglot"))
    try Self.writeKanji(to: folder.appendingPathComponent("kanjivg"))
    try Self.writeGNT(to: folder.appendingPathComponent("casia-gnt"))
    try Self.writeImages(400, to: folder.appendingPathComponent("images"))
  }

  deinit { remove() }

  private func remove() { try? FileManager.default.removeItem(at: folder) }

  private static func write(_ labels: [Int], to folder: URL, as prefix: String) throws {
    let count = [0, 0, UInt8(labels.count >> 8), UInt8(labels.count & 255)]
    let images = [0, 0, 8, 3] + count + [0, 0, 0, 28, 0, 0, 0, 28] + labels.indices.flatMap(digit)
    try Data(Gzip.compress(images)).write(to: folder.appendingPathComponent("\(prefix)-images-idx3-ubyte.gz"))
    let numbers = [0, 0, 8, 1] + count + labels.map { UInt8($0) }
    try Data(Gzip.compress(numbers)).write(to: folder.appendingPathComponent("\(prefix)-labels-idx1-ubyte.gz"))
  }

  /// A ring of two to four pixels' width, cut by a bar.
  private static func digit(_ number: Int) -> [UInt8] {
    let radius = 6.0 + Double(number % 5) / 1.5
    let thickness = 1.0 + Double(number % 3) / 2
    return (0..<784).map { index in
      let x = Double(index % 28) - 13.5
      let y = (Double(index / 28) - 13.5) * (number % 2 == 0 ? 1 : 1.2)
      let ring = thickness + 0.5 - abs((x * x + y * y).squareRoot() - radius)
      let bar = abs(x) < radius ? thickness - abs(y - Double(number % 7) + 3) : 0
      return UInt8(255 * min(max(ring, bar, 0), 1))
    }
  }
}

extension SmallData {
  /// Two archives of one alphabet each, and one that both have: 2 characters an alphabet, 20 drawers a character.
  ///
  /// A character is a bar whose place tells alphabet and character, and whose length tells the drawer.
  private static func writeOmniglot(to folder: URL) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for (set, alphabets) in [("small1", ["Greek", "Korean"]), ("small2", ["Greek", "Tagalog"])] {
      let top = "images_background_\(set)"
      var files: [(name: String, bytes: [UInt8])] = [("\(top)/", [])]
      for alphabet in alphabets {
        for character in 1...2 {
          for drawer in 1...20 {
            let name = "\(top)/\(alphabet)/character0\(character)/0001_\(drawer < 10 ? "0" : "")\(drawer).png"
            files.append((name, try bar(row: 10 * (alphabet.count + character), length: 3 * drawer).png()))
          }
        }
      }
      try Data(Zip.archive(files)).write(to: folder.appendingPathComponent("\(top).zip"))
    }
  }

  /// Black ink on white, 6 pixels high.
  private static func bar(row: Int, length: Int) -> Picture {
    var picture = Picture(width: 105, height: 105, channels: 1, fill: 255)
    for y in row..<row + 6 {
      for x in 20..<20 + length { picture.pixels[105 * y + x] = 0 }
    }
    return picture
  }

  /// The default characters, each a cross of one of 5 names over a curve and a bar of one of 6.
  private static func writeKanji(to folder: URL) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let kanji = Hanzi.characters.unicodeScalars.enumerated().map { index, scalar in
      let cross =
        "<g kvg:element=\"\(index % 5)\"><path d=\"M20,30c20,0,50,0,60,0\"/><path d=\"M50,12c0,8,0,30,0,36\"/></g>"
      let curve =
        "<g kvg:element=\"\(10 + index % 6)\"><path d=\"M20,70C30,\(60 + index),70,100,90,64\"/><path d=\"M30,90c9,0,20,0,50,0\"/></g>"
      return "<kanji id=\"kvg:kanji_0\(String(scalar.value, radix: 16))\"><g>\(cross)\(curve)</g></kanji>"
    }
    let text = "<?xml version=\"1.0\"?><kanjivg>\(kanji.joined(separator: "\n"))</kanjivg>"
    try Data(Gzip.compress(Array(text.utf8))).write(to: folder.appendingPathComponent("kanjivg.xml.gz"))
  }

  /// 60 images of each of 8 characters: a bar whose thickness and place differ, on paper of its own size.
  private static func writeGNT(to folder: URL) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    var file: [UInt8] = []
    for image in 0..<480 {
      let (height, width) = (20 + image % 17, 24 + image % 13)
      let pixels = (0..<height * width).map { pixel in
        (image % 16..<18).contains(pixel / width) ? UInt8(image / 3) : pixel % 7 == image % 7 ? 250 : 255
      }
      // 啊, which is B0 A1, and those after it.
      file += gntRecord([0xB0, UInt8(0xA1 + image % 8)], height: height, width: width, pixels)
    }
    try Data(file).write(to: folder.appendingPathComponent("a.gnt"))
  }

  /// Gray images of 6 x 8 pixels, no two alike.
  private static func writeImages(_ count: Int, to folder: URL) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for index in 0..<count {
      let pixels = [UInt8(index % 256), UInt8(index / 256)] + (2..<48).map { UInt8(($0 * 37 + index * 101) % 256) }
      let picture = Picture(width: 8, height: 6, channels: 1, pixels: pixels)
      try Data(picture.png()).write(to: folder.appendingPathComponent("\(index).png"))
    }
  }
}

/// The folder of the real data, named by the environment variable AIRFRAME_DATA; tests that need it are skipped without.
let dataFolder = ProcessInfo.processInfo.environment["AIRFRAME_DATA"]
let hasMNIST =
  dataFolder.map { FileManager.default.fileExists(atPath: $0 + "/mnist/train-images-idx3-ubyte.gz") } ?? false

extension MultiMNIST.Config {
  /// Few scenes, of these numbers of digits.
  init(_ counts: [Int: Int], overlap: OverlapRule = .saturation) {
    self.init()
    self.counts = counts
    self.overlap = overlap
    validationSize = 60
    testSize = 60
  }
}

let hasOmniglot =
  dataFolder.map { FileManager.default.fileExists(atPath: $0 + "/omniglot/images_background_small1.zip") } ?? false

let hasKanjiVG = dataFolder.map { FileManager.default.fileExists(atPath: $0 + "/kanjivg/kanjivg.xml.gz") } ?? false

/// The first scenes of a split, with masks.
func scenes(_ dataset: any Dataset, _ split: Split = .train, count: Int) throws -> [Scene] {
  try dataset.prepare(split)
  return (0..<count).map { dataset.scene($0, of: split, withMasks: true) }
}

/// The largest sum of the masks at one pixel, before anything is clipped.
func largestSum(_ scene: Scene) -> Int {
  scene.pixels.indices.map { pixel in scene.masks.reduce(0) { $0 + Int($1[pixel]) } }.max() ?? 0
}
