/// Builds a tree from the events of one YAML document.
///
/// Rejects duplicate keys, merge keys, tags, further documents, nesting that is too deep, texts that are too long, and
/// aliases that expand without bound. The limits also bound the time and memory that a hostile file can use.
struct YAMLParser: ~Copyable {
  static let maximumBytes = 4 << 20
  static let maximumDepth = 64
  static let maximumNodes = 10_000
  /// The largest number of bytes in a key. A key is repeated in the path of every node below it.
  static let maximumKey = 128
  /// The largest number of bytes in any other text.
  static let maximumText = 10_000
  /// The largest number of lines that begin with `%`. libyaml compares each of them with all earlier ones.
  static let maximumDirectives = 100

  /// A finished node that an alias may repeat, with its number of nodes and its height.
  private struct Anchored {
    let node: YAMLNode
    let nodes: Int
    let height: Int
  }

  private let source: Place.Source
  private var events: YAMLEvents
  private var anchors: [String: Anchored] = [:]
  private var nodes = 0
  private var errors = ErrorCollector()

  /// The tree of a text; nil if the text contains only comments.
  ///
  /// The root gets the path `path`. Throws `ConfigurationError` with the place of each fault.
  static func parse(_ text: borrowing SourceText, at path: String = "") throws -> YAMLNode? {
    let source = text.source
    try checkDirectives(text)
    return try text.bytes.withUnsafeBufferPointer { bytes in
      var parser = YAMLParser(source: source, bytes: bytes)
      return try parser.document(at: path)
    }
  }

  private init(source: Place.Source, bytes: UnsafeBufferPointer<UInt8>) {
    self.source = source
    events = YAMLEvents(source: source, bytes: bytes)
  }

  private mutating func document(at path: String) throws -> YAMLNode? {
    var root: YAMLNode?
    while true {
      let event = try events.next()
      switch event.kind {
      case .streamEnd:
        try errors.finish()
        return root
      case .documentStart where root != nil:
        throw ConfigurationError("a second document starts here; a config is one document", at: event.place)
      case .streamStart, .documentStart, .documentEnd: continue
      default: root = try node(event, at: path, depth: 1).node
      }
    }
  }

  private mutating func node(_ event: YAMLEvents.Event, at path: String, depth: Int) throws -> Anchored {
    try spend(nodes: 1, height: 1, depth: depth, at: event.place)
    if event.hasTag {
      throw ConfigurationError("tags such as !!str are not used here; put text in quotes", at: event.place)
    }
    let result: Anchored
    switch event.kind {
    case .scalar(let text, let isPlain):
      try Self.check(text, at: event.place)
      result = Anchored(node: make(.scalar(text, isPlain: isPlain), event, path), nodes: 1, height: 1)
    case .sequenceStart: result = try sequence(event, at: path, depth: depth)
    case .mappingStart: result = try mapping(event, at: path, depth: depth)
    case .alias(let name): return try alias(name, event, at: path, depth: depth)
    default: throw ConfigurationError("a value is missing here", at: event.place)
    }
    if let anchor = event.anchor { anchors[anchor] = result }
    return result
  }

  private mutating func sequence(_ start: YAMLEvents.Event, at path: String, depth: Int) throws -> Anchored {
    var elements: [YAMLNode] = []
    var (count, height) = (1, 0)
    while true {
      let event = try events.next()
      if case .sequenceEnd = event.kind { break }
      let child = try node(event, at: YAMLNode.path(path, index: elements.count), depth: depth + 1)
      elements.append(child.node)
      (count, height) = (count + child.nodes, max(height, child.height))
    }
    return Anchored(node: make(.sequence(elements), start, path), nodes: count, height: height + 1)
  }

  private mutating func mapping(_ start: YAMLEvents.Event, at path: String, depth: Int) throws -> Anchored {
    var entries: [YAMLNode.Entry] = []
    var places: [String: Place] = [:]
    var (count, height) = (1, 0)
    while true {
      let event = try events.next()
      if case .mappingEnd = event.kind { break }
      guard case .scalar(let key, let isPlain) = event.kind, !event.hasTag, event.anchor == nil else {
        throw ConfigurationError("a key is plain text, without anchor, alias or tag", at: event.place)
      }
      if isPlain, key == "<<" {
        throw ConfigurationError(
          "YAML 1.2 has no merge keys (<<); put what is shared into a file of its own and name it by 'extends', or write "
            + "the keys out", at: event.place)
      }
      try Self.check(key: key, at: event.place)
      let keyPath = YAMLNode.path(path, key: key)
      let child = try node(events.next(), at: keyPath, depth: depth + 1)
      (count, height) = (count + child.nodes, max(height, child.height))
      if let first = places[key] {
        let before = first.line > 0 ? " (first in line \(first.line))" : ""
        errors.add("'\(keyPath)' is set a second time\(before); keep one of the two", at: event.place)
        continue
      }
      places[key] = event.place
      entries.append(.init(key, child.node, keyPlace: event.place))
    }
    return Anchored(node: make(.mapping(entries), start, path), nodes: count, height: height + 1)
  }

  private mutating func alias(
    _ name: String, _ event: YAMLEvents.Event, at path: String, depth: Int
  ) throws -> Anchored {
    guard let target = anchors[name] else {
      throw ConfigurationError(
        "unknown alias '*\(name)'; its anchor '&\(name)' must end before it is used", at: event.place)
    }
    try spend(nodes: target.nodes - 1, height: target.height, depth: depth, at: event.place)
    return Anchored(node: target.node.placed(at: path), nodes: target.nodes, height: target.height)
  }

  /// Throws `ConfigurationError` for a key that is too long or contains a NUL.
  static func check(key: String, at place: Place) throws {
    if key.utf8.count > maximumKey {
      throw ConfigurationError("a key of \(key.utf8.count) bytes; keys have at most \(maximumKey)", at: place)
    }
    try checkNoNUL(key, "key", at: place)
  }

  /// Throws `ConfigurationError` for a text that is too long or contains a NUL.
  static func check(_ text: String, at place: Place) throws {
    if text.utf8.count > maximumText {
      throw ConfigurationError("a text of \(text.utf8.count) bytes; a config's have at most \(maximumText)", at: place)
    }
    try checkNoNUL(text, "text", at: place)
  }

  /// Rejects NUL: the system ends file names at a NUL, so two different texts could name one file.
  private static func checkNoNUL(_ text: String, _ kind: String, at place: Place) throws {
    if text.utf8.contains(0) {
      throw ConfigurationError("a \(kind) with a NUL character (\\0); leave it out", at: place)
    }
  }

  /// Throws `ConfigurationError` for more than `maximumDirectives` lines that begin with `%`.
  private static func checkDirectives(_ text: borrowing SourceText) throws {
    // The last bytes of the line breaks of YAML 1.1: LF, CR, NEL, LS and PS.
    let breaks: Set<UInt8> = [0x0A, 0x0D, 0x85, 0xA8, 0xA9]
    let bytes = text.bytes
    var count = 0
    var rest = bytes[...]
    while let offset = rest.firstIndex(of: UInt8(ascii: "%")) {
      if offset == 0 || breaks.contains(bytes[offset - 1]) { count += 1 }
      if count > maximumDirectives {
        throw ConfigurationError(
          "more than \(maximumDirectives) lines begin with '%'; a config needs no directives",
          at: SourceText.place(ofByte: offset, in: bytes, of: text.source))
      }
      rest = bytes[(offset + 1)...]
    }
  }

  /// Counts nodes and throws `ConfigurationError` if the tree exceeds its limits.
  private mutating func spend(nodes count: Int, height: Int, depth: Int, at place: Place) throws {
    nodes += count
    if nodes > Self.maximumNodes {
      throw ConfigurationError(
        "more than \(Self.maximumNodes) values, counting what aliases repeat; a config holds fewer", at: place)
    }
    if depth + height - 1 > Self.maximumDepth {
      throw ConfigurationError("nested deeper than \(Self.maximumDepth) levels", at: place)
    }
  }

  private func make(_ content: YAMLNode.Content, _ event: YAMLEvents.Event, _ path: String) -> YAMLNode {
    YAMLNode(content, at: event.place, path: path)
  }
}
