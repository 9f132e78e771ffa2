import Glibc
import Pictures
import Scenes
import Tensors

/// Omniglot characters, 105 x 105, from the two small background sets of Lake et al. in `<data>/omniglot/`.
///
/// Both archives hold `SET/ALPHABET/characterNN/XXXX_YY.png` with ink black on white; YY is the drawer, from 01 to 20.
/// Greek and Latin are in both archives. Each character is used once, which gives 242 characters from 8 alphabets. All
/// splits have all characters, by different drawers: 01 to 16 for training, 17 and 18 for validation, 19 and 20 for the
/// test.
final class Characters: Sendable {
  static let side = 105
  /// The largest size of an archive in bytes.
  static let byteLimit = 1 << 28

  /// All drawings in memory.
  struct Drawings: Sendable {
    /// `[drawing, 105, 105]`, row-major; 255 is ink.
    var pixels: [UInt8] = []
    /// The character of each drawing, an index into `names`.
    var labels: [Int] = []
    /// The names of the characters, such as `Greek/character01`, sorted.
    var names: [String] = []
    /// The drawings of each split.
    var parts: [Split: [Int]] = [:]
  }

  private let folder: String
  private let loaded = Lock<Drawings?>(nil)

  /// Throws `DatasetError.missing` if one of the two files does not exist.
  init(dataFolder: String) throws {
    folder = dataFolder + "/omniglot"
    for file in files where access(file, R_OK) != 0 { throw DatasetError.missing(file: file, source: "omniglot") }
  }

  /// The paths of the files.
  var files: [String] { ["small1", "small2"].map { "\(folder)/images_background_\($0).zip" } }

  /// All drawings, read at the first call. Throws `FileError`, `PictureError` or `DatasetError.unexpected`.
  func drawings() throws -> Drawings {
    try loaded.withLock { loaded in
      if let loaded { return loaded }
      let drawings = try read()
      loaded = drawings
      return drawings
    }
  }

  private static func split(ofDrawer drawer: Int) -> Split {
    switch drawer {
    case ...16: .train
    case 17, 18: .validation
    default: .test
    }
  }

  private func read() throws -> Drawings {
    var found: [String: Drawing] = [:]
    for file in files {
      do {
        let archive = try readFile(file, limit: Self.byteLimit)
        for entry in try Zip.entries(archive) where !entry.isFolder {
          let drawing = try Drawing(entry, in: archive, file: file)
          if found[drawing.path] == nil { found[drawing.path] = drawing }
        }
      } catch let error as FileError where error.path == nil {
        throw FileError(path: file, problem: error.problem, nextStep: error.nextStep)
      }
    }
    var drawings = Drawings()
    drawings.pixels.reserveCapacity(found.count * Self.side * Self.side)
    for (index, drawing) in found.values.sorted(by: { $0.path < $1.path }).enumerated() {
      if drawings.names.last != drawing.character { drawings.names.append(drawing.character) }
      drawings.labels.append(drawings.names.count - 1)
      drawings.pixels += drawing.ink
      drawings.parts[Self.split(ofDrawer: drawing.drawer), default: []].append(index)
    }
    for split in Split.allCases where drawings.parts[split] == nil {
      throw DatasetError.unexpected(file: files[0], problem: "holds no drawings for the split \(split.rawValue)")
    }
    return drawings
  }

  /// One file of an archive.
  private struct Drawing {
    /// The character's name, such as `Greek/character01`, and the drawer.
    let character: String
    let drawer: Int
    let ink: [UInt8]
    var path: String { "\(character)/\(drawer < 10 ? "0" : "")\(drawer)" }

    init(_ entry: Zip.Entry, in archive: [UInt8], file: String) throws {
      let parts = entry.name.split(separator: "/")
      guard parts.count == 4, entry.name.hasSuffix(".png"),
        let drawer = parts[3].dropLast(4).split(separator: "_").last.flatMap({ Int($0) }), (1...99).contains(drawer)
      else {
        throw DatasetError.unexpected(
          file: file, problem: "holds \(entry.name), expected SET/ALPHABET/characterNN/XXXX_YY.png")
      }
      let picture: Picture
      do {
        picture = try Picture(png: Zip.extract(entry, from: archive, limit: 1 << 20)).gray()
      } catch let error as PictureError {
        throw DatasetError.unexpected(file: file, problem: "entry \(entry.name) \(error.problem)")
      }
      guard picture.width == Characters.side, picture.height == Characters.side else {
        throw DatasetError.unexpected(
          file: file, problem: "entry \(entry.name) is \(picture.height) x \(picture.width) pixels, expected 105 x 105")
      }
      character = "\(parts[1])/\(parts[2])"
      self.drawer = drawer
      ink = picture.pixels.map { 255 - $0 }
    }
  }
}
