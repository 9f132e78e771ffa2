/// A config file and the files it extends, read once so that it can be loaded several times with different amendments.
public struct ConfigurationFiles: Sendable {
  let layers: Layers

  /// Throws `ConfigurationError` for files that cannot be read. If that is the first file, the error's place is `node`.
  public init(path: String, named node: YAMLNode) throws { layers = try Layers(path: path, namedAt: node.place) }
}

/// Reads and writes configs. Reading follows `extends`, merges the layers and decodes the result.
public enum ConfigurationFile {
  /// The top-level key that names the file below this one.
  static let extendsKey = "extends"

  /// Reads a file.
  ///
  /// The layers, from the lowest to the highest: the defaults, the files named by `extends`, the file itself,
  /// `amendments` (maps of keys as in a file, used for the rows of an experiment), and `overrides` (`key.path=value`,
  /// where the value is YAML). A higher layer replaces values of a lower one. Throws `ConfigurationError` with every
  /// fault and its place.
  public static func load<Value: Configurable>(
    _ type: Value.Type, path: String, amendments: [YAMLNode] = [], overrides: [String] = []
  ) throws -> Loaded<Value> {
    try load({ try Layers(path: path) }, amendments: amendments, overrides: overrides)
  }

  /// As above, for files that are already read.
  public static func load<Value: Configurable>(
    _ type: Value.Type, _ files: ConfigurationFiles, amendments: [YAMLNode] = [], overrides: [String] = []
  ) throws -> Loaded<Value> {
    try load({ files.layers }, amendments: amendments, overrides: overrides)
  }

  /// Reads a text as if it were a file with the given name.
  ///
  /// Throws `ConfigurationError` with every fault and its place.
  public static func load<Value: Configurable>(
    _ type: Value.Type, text: String, name: String, amendments: [YAMLNode] = [], overrides: [String] = []
  ) throws -> Loaded<Value> {
    try load({ try Layers(text: text, name: name) }, amendments: amendments, overrides: overrides)
  }

  /// Every key with its value, as YAML that loads back to the same value.
  public static func encode<Value: Configurable>(_ value: Value) -> String {
    YAMLWriter.block(encodeSection(value))
  }

  /// The values that one file sets, by dotted key, in the order of the file.
  ///
  /// Defaults are not added, `extends` is not followed, and only the YAML syntax is checked.
  /// Throws `ConfigurationError` for a file that cannot be read or is not a map.
  public static func values(path: String) throws -> [(key: String, value: JSON)] {
    guard let root = try YAMLParser.parse(SourceText.file(path, at: nil, hint: "")) else { return [] }
    guard root.entries != nil else { throw root.expected("a map of keys at the top level", example: "model: { ... }") }
    return JSON(root).leaves
  }

  /// The top-level keys of a file, then those of each file that it extends; they show what kind of file it is.
  ///
  /// Stops at the first file that cannot be read. It never throws, so that the code that loads the file reports the
  /// fault.
  public static func topLevelKeys(path: String) -> [[String]] {
    var keys: [[String]] = []
    var path = path
    for _ in 0..<Layers.maximumChain {
      guard let text = try? SourceText.file(path, at: nil, hint: ""), let root = try? YAMLParser.parse(text) else {
        break
      }
      keys.append((root.entries ?? []).map(\.key).filter { $0 != extendsKey })
      guard let base = root[extendsKey]?.scalar else { break }
      path = FilePath.resolve(base, besides: path)
    }
    return keys
  }

  /// A layer that sets one key by its dotted name, as `key.path=value` does on the command line.
  ///
  /// Throws `ConfigurationError` at `place` if `key` is not a dotted name.
  public static func layer(setting key: String, to value: YAMLNode, at place: Place) throws -> YAMLNode {
    try Override.layer(setting: key, to: value, at: place)
  }

  /// Resolves a path relative to the folder that contains `file`, as `extends` does.
  public static func path(_ path: String, besides file: String) -> String {
    FilePath.resolve(path, besides: file)
  }

  private static func load<Value: Configurable>(
    _ files: () throws -> Layers, amendments: [YAMLNode], overrides: [String]
  ) throws -> Loaded<Value> {
    var errors = ErrorCollector()
    let files = try errors.attempt(files)
    let last = try errors.attempt { try Override.layer(overrides) }
    guard var layers = files, errors.isEmpty else { throw errors.error }
    for amendment in amendments { try layers.append(amendment) }
    if let last = last ?? nil { try layers.append(last) }
    let (written, history) = layers.merged(over: Value())
    let value: Value
    do {
      value = try decodeSection(Value.self, from: written)
    } catch let error as ConfigurationError {
      throw error.hinted(by: Value.hints)
    }
    return Loaded(value: value, written: written, history: history)
  }
}
