import Configuration
import Scenes
import Tensors

/// Handwritten Chinese characters from the user's files of CASIA-HWDB (Liu et al. 2011), one in each scene.
///
/// A character is resized to fit the canvas, with its proportions kept, and centered; ink is white on black. `seed`
/// decides which samples of each character go to which split. A folder that starts with `./` or `../` is relative to
/// the folder of the file that names it, one that starts with `/` is absolute, and any other is in the data folder.
public struct CasiaGNT: Dataset {
  public struct Config: Configurable, SceneShaped {
    public var folder = "casia-gnt"
    public var characters = ""
    public var classes = 50
    public var samples = 300
    public var side = 64
    public var seed = 0
    public var validationShare = 0.1
    public var testShare = 0.1

    public init() {}

    public static let fields: [Field<Self>] = [
      .location("folder", \.folder, "the folder with CASIA's .gnt files"),
      .text("characters", \.characters, "the characters, one after the other; empty: the most frequent ones"),
      .integer(
        "classes", \.classes, in: 1...3000, "how many characters, where none are named; fewer where there are fewer"),
      .integer("samples", \.samples, in: 1...100_000, "samples of each character at most, in all splits together"),
      .integer("side", \.side, in: 16...256, "height and width of a scene in pixels"),
      .integer("seed", \.seed, in: 0...Int.max, "which samples go to which split; independent of the training seed"),
      .number("validation_share", \.validationShare, in: 0...0.9, "share of each character's samples for validation"),
      .number("test_share", \.testShare, in: 0...0.9, "share of each character's samples for the test"),
    ]

    public func problems() -> [Problem] {
      var problems: [Problem] = []
      if folder.isEmpty { problems.append(Problem(key: "folder", "is empty; name a folder of .gnt files")) }
      var seen: Set<Unicode.Scalar> = []
      if let twice = characters.unicodeScalars.first(where: { !seen.insert($0).inserted }) {
        problems.append(Problem(key: "characters", "names '\(twice.escaped(asASCII: false))' twice"))
      }
      if validationShare + testShare > 0.95 {
        problems.append(Problem(key: "test_share", "and validation_share leave less than 0.05 for training"))
      }
      return problems
    }

    public var sceneShape: SceneShape? { SceneShape(channels: 1, height: side, width: side) }
  }

  public let name = "casia-gnt"
  public let channels = 1
  public var height: Int { config.side }
  public var width: Int { config.side }
  /// The characters.
  public var classNames: [String] { characters.map { String($0) } }

  private let config: Config
  private let collection: GNTCollection
  private let characters: [Unicode.Scalar]
  /// The samples of each split, in rounds of one sample per character.
  private let order: [Split: [Sample]]
  private let loaded = Loaded()

  private struct Sample: Sendable {
    let label: Int
    let place: GNTCollection.Place
  }

  /// The pixels of the scenes of the splits that were prepared.
  private final class Loaded: Sendable {
    let pixels = Lock<[Split: [UInt8]]>([:])
  }

  /// Reads the positions of the samples, but not their pixels. Requires a config without problems. Throws
  /// `DatasetError`.
  public init(_ config: Config, in context: DatasetContext) throws {
    precondition(config.problems().isEmpty, "\(config.problems())")
    self.config = config
    let isPath = ["/", "./", "../"].contains { config.folder.hasPrefix($0) }
    let collection = try GNTCollection(folder: isPath ? config.folder : "\(context.dataFolder)/\(config.folder)")
    self.collection = collection
    characters =
      config.characters.isEmpty
      ? try collection.mostFrequent(config.classes) : try collection.checked(config.characters.unicodeScalars)
    let random = RandomStream(seed: config.seed).child(name)
    var order = Dictionary(uniqueKeysWithValues: Split.allCases.map { ($0, [[Sample]]()) })
    for (label, character) in characters.enumerated() {
      let places = collection.places[character] ?? []
      let chosen = random.child(String(character)).permutation(places.count).prefix(config.samples)
      let samples = chosen.map { Sample(label: label, place: places[$0]) }
      func size(_ share: Double) -> Int { share > 0 ? max(1, Int((share * Double(samples.count)).rounded())) : 0 }
      let (test, held) = (size(config.testShare), size(config.testShare) + size(config.validationShare))
      guard held < samples.count else {
        throw DatasetError.unusable(
          place: collection.folder,
          problem: "leaves no sample of '\(character)' for training: \(samples.count) of \(places.count) are used",
          remedy: "lower dataset.validation_share and dataset.test_share, raise dataset.samples, or leave it out of "
            + "dataset.characters")
      }
      order[.test]?.append(Array(samples[..<test]))
      order[.validation]?.append(Array(samples[test..<held]))
      order[.train]?.append(Array(samples[held...]))
    }
    self.order = order.mapValues(Self.interleaved)
  }

  /// The first element of each list, then the second of each list that has one, and so on.
  private static func interleaved(_ lists: [[Sample]]) -> [Sample] {
    (0..<(lists.map(\.count).max() ?? 0)).flatMap { index in
      lists.compactMap { index < $0.count ? $0[index] : nil }
    }
  }

  /// The config with the characters that were chosen.
  public var settled: (any Configurable)? {
    var settled = config
    settled.characters = classNames.joined()
    return settled
  }

  /// A hash of the files' names and samples of their contents.
  public var fingerprint: String {
    var fingerprint = Fingerprint(name, version: 1)
    for file in collection.files {
      fingerprint.add(file.path.split(separator: "/").last.map(String.init) ?? "")
      fingerprint.add(samplesOf: file.path)
    }
    return fingerprint.text
  }

  public func size(of split: Split) -> Int { order[split]?.count ?? 0 }

  /// Reads the split's samples. Throws `DatasetError` if a file has changed since it was opened.
  public func prepare(_ split: Split) throws {
    try loaded.pixels.withLock { pixels in
      guard pixels[split] == nil else { return }
      pixels[split] = try collection.squares(of: (order[split] ?? []).map(\.place), side: config.side)
    }
  }

  public func scene(_ index: Int, of split: Split, withMasks: Bool) -> Scene {
    guard let all = loaded.pixels.withLock({ $0[split] }), let sample = order[split]?[index] else {
      preconditionFailure("scenes were asked of a split that was not prepared")
    }
    let size = config.side * config.side
    var pixels = Array(all[index * size..<(index + 1) * size])
    let object = pixels.withUnsafeMutableBufferPointer { ink -> SceneObject? in
      guard let start = ink.baseAddress else { return nil }
      var stamp = Stamp(ink: start)
      (stamp.width, stamp.height) = (config.side, config.side)
      stamp.label = sample.label
      stamp.center = Point(x: Double(config.side) / 2, y: Double(config.side) / 2)
      stamp.scale = 1
      return stamp.object()
    }
    return Scene(
      height: config.side, width: config.side, pixels: pixels, objects: object.map { [$0] } ?? [],
      masks: withMasks ? [pixels] : [])
  }
}
