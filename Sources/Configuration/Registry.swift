/// Named choices of one kind (models, datasets or estimators), declared with one line per entry.
///
/// `Product` is the type that an entry makes; `Context` is what making it needs in addition to the config.
public struct Registry<Context, Product>: Sendable {
  /// One choice. Several entries may share a config type and differ in its defaults: they are presets.
  public struct Entry: Sendable {
    public let name: String
    public let summary: String
    public let defaults: any Configurable
    public let make: @Sendable (_ config: any Configurable, _ context: Context) throws -> Product

    /// An entry whose config is a `Config`.
    public static func entry<Config: Configurable>(
      _ name: String, _ summary: String, defaults: Config,
      make: @escaping @Sendable (_ config: Config, _ context: Context) throws -> Product
    ) -> Entry {
      Entry(name: name, summary: summary, defaults: defaults) { config, context in
        guard let config = config as? Config else {
          preconditionFailure("'\(name)' is made from \(Config.self), not from \(type(of: config))")
        }
        return try make(config, context)
      }
    }
  }

  /// What is chosen, in the singular, for messages: "model".
  public let kind: String
  public let entries: [Entry]

  /// Requires names that differ.
  public init(_ kind: String, _ entries: [Entry]) {
    precondition(Set(entries.map(\.name)).count == entries.count, "two entries of the \(kind) registry share a name")
    self.kind = kind
    self.entries = entries
  }

  /// An entry whose config is a `Config`.
  public static func entry<Config: Configurable>(
    _ name: String, _ summary: String, defaults: Config,
    make: @escaping @Sendable (_ config: Config, _ context: Context) throws -> Product
  ) -> Entry {
    .entry(name, summary, defaults: defaults, make: make)
  }

  /// The names, in declared order.
  public var names: [String] { entries.map(\.name) }

  /// Makes the product of a choice. Throws `ConfigurationError` for an unknown name, and any error of the entry.
  public func make(_ choice: Choice, _ context: Context) throws -> Product {
    guard let entry = entries.first(where: { $0.name == choice.name }) else {
      throw ConfigurationError(catalog.unknown(choice.name), at: nil)
    }
    return try entry.make(choice.config, context)
  }

  /// An entry with its defaults. Requires a known name.
  public func choice(_ name: String) -> Choice {
    guard let choice = catalog.choice(name) else { preconditionFailure(catalog.unknown(name)) }
    return choice
  }

  /// The names and defaults of the registry, without the functions that make products.
  var catalog: Catalog {
    Catalog(kind: kind, entries: entries.map { .init(name: $0.name, summary: $0.summary, defaults: $0.defaults) })
  }
}

/// The names of a registry with their default sections.
struct Catalog: Sendable {
  struct Entry: Sendable {
    let name: String
    let summary: String
    let defaults: any Configurable
  }

  let kind: String
  let entries: [Entry]

  var names: [String] { entries.map(\.name) }

  /// The entry with its defaults, or nil.
  func choice(_ name: String) -> Choice? {
    entries.first { $0.name == name }.map { Choice(name: name, config: $0.defaults) }
  }

  /// `; 'samples' is a key of 'vimco'`, or an empty string if no entry has the key.
  func owners(of key: String) -> String {
    func has<Section: Configurable>(_ section: Section) -> Bool { Section.fields.contains { $0.key == key } }
    let owners = entries.filter { has($0.defaults) }.map { "'\($0.name)'" }
    return owners.isEmpty ? "" : "; '\(key)' is a key of \(owners.joined(separator: ", "))"
  }

  /// `unknown model 'ari'; did you mean 'air'? (known: air, mvae)`.
  func unknown(_ name: String) -> String {
    "unknown \(kind) '\(name)'\(Spelling.suggestion(for: name, among: names)) (known: \(names.joined(separator: ", ")))"
  }
}
