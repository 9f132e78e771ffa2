import Configuration
import Foundation

enum Shape: String, CaseIterable, Sendable { case isotropic, anisotropic }

struct Window: Configurable {
  var scale = Shape.isotropic, minimum = 0.1, maximum = 0.9, bias: Float = 0.1
  static let fields: [Field<Self>] = [
    .choice("scale", \.scale, "one scale for both axes, or one each"),
    .number("minimum", \.minimum, in: 0...1, "smallest window"),
    .number("maximum", \.maximum, in: 0...1, "largest window"),
    .number("bias", \.bias, in: -1...1, "added to the scale"),
  ]

  func problems() -> [Problem] {
    minimum < maximum ? [] : [Problem(key: "minimum", "is \(minimum), which must be less than maximum, \(maximum)")]
  }
}

struct Gaussian: Configurable {
  var size = 50, encoder = [200]
  static let fields: [Field<Self>] = [
    .integer("size", \.size, in: 1...1000, "latent numbers of an object"),
    .integers("encoder", \.encoder, in: 1...Int.max, "units of the hidden layers"),
  ]
}

struct Categorical: Configurable {
  var classes = 10
  static let fields: [Field<Self>] = [.integer("classes", \.classes, in: 2...100, "categories of objects")]
}

let appearances = Registry<Void, String>(
  "appearance",
  [
    .entry("gaussian", "a normal vector", defaults: Gaussian()) { config, _ in "gaussian \(config.size)" },
    .entry("categorical", "a category", defaults: Categorical()) { config, _ in "categorical \(config.classes)" },
  ])

struct Recurrent: Configurable {
  var steps = 3, window = Window(), appearance = appearances.choice("gaussian")
  static let fields: [Field<Self>] = [
    .integer("steps", \.steps, in: 1...100, "inference steps"),
    .section("window", \.window, "where an object is"),
    .variant("appearance", \.appearance, in: appearances, "what an object looks like"),
  ]

  static let air = Recurrent(appearance: Choice(name: "gaussian", config: Gaussian(size: 40)))
  static let discrete = Recurrent(steps: 4, appearance: appearances.choice("categorical"))

  init() {}
  init(steps: Int = 3, appearance: Choice) {
    self.steps = steps
    self.appearance = appearance
  }
}

struct MultiEntity: Configurable {
  var slots = 6
  static let fields: [Field<Self>] = [.integer("slots", \.slots, in: 1...32, "entities")]
}

/// `air` and `discrete-air` are presets: they share one struct.
let models = Registry<Int, String>(
  "model",
  [
    .entry("air", "attend, infer, repeat", defaults: Recurrent.air) { config, seed in "air \(config.steps) \(seed)" },
    .entry("discrete-air", "with categories", defaults: Recurrent.discrete) { config, _ in "discrete \(config.steps)" },
    .entry("mvae", "multi-entity", defaults: MultiEntity()) { config, _ in "mvae \(config.slots)" },
  ])

struct Overlap: Configurable {
  var weight = 1.0
  static let fields: [Field<Self>] = [.number("weight", \.weight, in: 0 ... .infinity, "factor")]
}

let regularizers = Registry<Void, String>(
  "regularizer",
  [
    .entry("overlap", "penalizes overlap", defaults: Overlap()) { config, _ in "overlap \(config.weight)" },
    .entry("none", "nothing", defaults: NoSettings()) { _, _ in "none" },
  ])

struct Training: Configurable {
  var steps = 10_000, rate = Schedule.constant(1e-4), resume = false, note = "", shares = [0.5], tags = ["a"]
  static let fields: [Field<Self>] = [
    .integer("steps", \.steps, in: 1...Int.max, "updates"),
    Field("rate", \.rate, "learning rate", coding: .schedule(in: 0...10)),
    .flag("resume", \.resume, "go on where it stopped"),
    .text("note", \.note, "a note"),
    .numbers("shares", \.shares, in: 0...1, "shares"),
    .texts("tags", \.tags, "tags"),
  ]
}

struct Config: Configurable {
  var model = models.choice("air"), regularizers: [Choice] = [], counts = [0: 5, 1: 5], training = Training()
  static let fields: [Field<Self>] = [
    .variant("model", \.model, in: models, "the model"),
    .variants("regularizers", \.regularizers, in: ConfigurationTests.regularizers, "the regularizers"),
    .counts("counts", \.counts, keys: 0...9, values: 0...1_000_000, "scenes by number of objects"),
    .section("training", \.training, "the training"),
  ]
}

/// A number that may change during training: an example of a kind of value that another target adds.
enum Schedule: Sendable, Hashable {
  case constant(Double)
  case exponential(Exponential)

  struct Exponential: Configurable, Hashable {
    var from = 1e-2, to = 1e-9, end = 6000
    static let fields: [Field<Self>] = [
      .number("from", \.from, in: 0...10, "first value"),
      .number("to", \.to, in: 0...10, "last value"),
      .integer("end", \.end, in: 1...Int.max, "last step"),
    ]
  }
}

extension Coding where Value == Schedule {
  static func schedule(in range: ClosedRange<Double>) -> Coding {
    var section = sectionSchema(Schedule.Exponential())
    section["properties"]?["schedule"] = ["const": "exponential"]
    return Coding(
      schema: ["oneOf": [["type": "number", "minimum": 0, "maximum": .number(.infinity)], section]],
      mergedBy: "schedule",
      decode: { node in
        guard node.entries != nil else { return .constant(try node.number(in: range)) }
        guard let kind = node["schedule"] else { throw node.fault("needs a key 'schedule' (known: exponential)") }
        guard try kind.text() == "exponential" else { throw kind.expected("exponential", example: "exponential") }
        return .exponential(try decodeSection(Schedule.Exponential.self, from: node, ignoring: ["schedule"]))
      },
      encode: { schedule in
        switch schedule {
        case .constant(let value): return .number(value)
        case .exponential(let section):
          let entries = encodeSection(section).entries ?? []
          return YAMLNode(.mapping([.init("schedule", .text("exponential"))] + entries))
        }
      })
  }
}

/// Reads a text as the file `x.yaml`.
func load(_ text: String, _ overrides: String...) throws -> Loaded<Config> {
  try ConfigurationFile.load(Config.self, text: text, name: "x.yaml", overrides: overrides)
}

/// The error message of loading; empty if loading succeeds.
func fault(_ text: String, _ overrides: String...) -> String {
  do {
    _ = try ConfigurationFile.load(Config.self, text: text, name: "x.yaml", overrides: overrides)
    return ""
  } catch {
    return "\(error)"
  }
}

/// Files in a temporary folder, which is deleted together with this value.
final class Folder: Sendable {
  let path: String

  init(_ files: [String: String]) throws {
    path = URL(fileURLWithPath: NSTemporaryDirectory()).path + "/airframe-" + UUID().uuidString
    for (name, text) in files {
      let file = URL(fileURLWithPath: path + "/" + name)
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func load(_ name: String, amendments: [YAMLNode] = [], overrides: [String] = []) throws -> Loaded<Config> {
    try ConfigurationFile.load(
      Config.self, path: path + "/" + name, amendments: amendments, overrides: overrides)
  }

  /// The error message of loading, with paths relative to this folder.
  func fault(_ name: String, overrides: [String] = []) -> String {
    do {
      _ = try load(name, overrides: overrides)
      return ""
    } catch {
      return "\(error)".replacingOccurrences(of: path + "/", with: "")
    }
  }
}

extension Loaded<Config> {
  var recurrent: Recurrent? { value.model.config as? Recurrent }
  var gaussian: Gaussian? { recurrent?.appearance.config as? Gaussian }
}
