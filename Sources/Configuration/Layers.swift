/// The layers of a config above its defaults, from the lowest up. `merged(over:)` combines them.
struct Layers: Sendable {
  private(set) var nodes: [YAMLNode] = []

  /// Reads a file and the chain of files it extends.
  init(path: String, namedAt place: Place? = nil) throws {
    try addFile(path, at: place, hint: "", above: [])
  }

  /// Reads a text and the chain of files it extends, relative to the folder of `name`.
  init(text: String, name: String) throws {
    try add(SourceText(Array(text.utf8), of: .file(name)), name: name, above: [])
  }

  /// Adds a map of keys as the highest layer; throws `ConfigurationError` for any other value.
  mutating func append(_ layer: YAMLNode) throws {
    if layer.entries == nil, !layer.isNull { throw layer.expected("a map of keys", example: "{ model: ... }") }
    nodes.append(layer.placed(at: ""))
  }

  /// All layers as one tree, and the history of each key.
  func merged<Section: Configurable>(over defaults: Section) -> (tree: YAMLNode, history: History) {
    var history = History()
    var tree = YAMLNode(.mapping([]))
    for layer in nodes {
      history.record(layer)
      tree = mergeSection(tree, layer, before: defaults, after: defaults, history: &history)
    }
    return (tree, history)
  }

  /// The largest number of files in a chain of `extends`.
  static let maximumChain = 32

  private mutating func addFile(_ path: String, at place: Place?, hint: String, above: [String]) throws {
    let identity = FilePath.identity(of: path)
    if above.map(FilePath.identity).contains(identity) {
      throw ConfigurationError("'extends' runs in a circle: \((above + [path]).joined(separator: " -> "))", at: place)
    }
    if above.count >= Self.maximumChain {
      throw ConfigurationError("'extends' joins more than \(Self.maximumChain) files", at: place)
    }
    try add(SourceText.file(path, at: place, hint: hint), name: path, above: above)
  }

  /// Adds the files that the text extends, then the text.
  private mutating func add(_ text: SourceText, name: String, above: [String]) throws {
    guard var root = try YAMLParser.parse(text), !root.isNull else {
      nodes.append(YAMLNode(.mapping([]), at: Place(text.source)))
      return
    }
    guard let entries = root.entries else {
      throw root.expected("a map of keys at the top level", example: "model: { name: ... }")
    }
    if let base = root[ConfigurationFile.extendsKey] {
      let path = try base.text()
      if path.isEmpty { throw base.fault("names no file") }
      let hint = path.hasPrefix("/") ? "" : " ('extends' is relative to the folder of this file)"
      try addFile(FilePath.resolve(path, besides: name), at: base.place, hint: hint, above: above + [name])
    }
    root.content = .mapping(entries.filter { $0.key != ConfigurationFile.extendsKey })
    nodes.append(root)
  }
}
