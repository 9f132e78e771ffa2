extension Loaded {
  /// The dotted names of all keys that hold a value rather than a section, in declared order.
  public var keys: [String] { leaves(of: value, in: tree, meaning: "").map(\.node.path) }

  /// Explains which layer set a key and what it replaced; for a section, one line for each key in it.
  ///
  /// An empty key explains the whole config. Throws `ConfigurationError` for a key that the config does not have.
  public func explain(_ key: String = "") throws -> String {
    let leaves = leaves(of: value, in: tree, meaning: "")
    if let leaf = leaves.first(where: { $0.node.path == key }) { return explain(leaf) }
    let prefix = key.isEmpty ? "" : key + "."
    let below = leaves.filter { $0.node.path.hasPrefix(prefix) }
    let dropped = droppedKeys(below: key, except: Set(leaves.map(\.node.path)))
    if below.isEmpty && dropped.isEmpty { throw ConfigurationError(unknown(key), at: nil) }
    let width = below.map { $0.line.count }.filter { $0 <= 60 }.max() ?? 0
    let lines = below.map { leaf in
      leaf.line + String(repeating: " ", count: max(0, width - leaf.line.count)) + "  # \(leaf.node.place)"
    }
    return (lines + dropped).joined(separator: "\n")
  }

  private func explain(_ leaf: Leaf) -> String {
    var lines = [leaf.line, "  meaning: \(leaf.meaning)"]
    let path = leaf.node.path
    let isList = leaf.node.elements != nil
    if !leaf.expectation.isEmpty { lines.append("  expects: \(leaf.expectation)") }
    let standard = standard(of: path).map(YAMLWriter.flow)
    let values = (history.events[path] ?? []).reduce(into: [YAMLNode]()) { values, event in
      if case .set(let node) = event { values.append(node) } else { values.removeAll() }
    }
    let last = values.last?.place ?? .defaults
    lines.append("  set by:  \(last)")
    let parts = written.node(at: path)?.entries ?? []
    if parts.contains(where: { $0.value.place.source != last.source }), !isList {
      lines += parts.map { "           \($0.key) by \($0.value.place)" }
    }
    if isList {
      lines += (tree.node(at: path)?.scalars ?? []).filter { ![last.source, .defaults].contains($0.place.source) }
        .map { "           \($0.path) by \($0.place)" }
    }
    guard !values.isEmpty else { return lines.joined(separator: "\n") }
    for older in values.dropLast().reversed() {
      lines.append("  replaces \(YAMLWriter.flow(older)) of \(older.place)")
    }
    if let standard { lines.append("  replaces \(standard), the default") }
    return lines.joined(separator: "\n")
  }

  /// The value a key would have if no layer set it; nil if that cannot be determined.
  private func standard(of path: String) -> YAMLNode? {
    var keys = path.split(separator: ".").map(String.init)[...]
    while !keys.isEmpty {
      if let value = try? decodeSection(Value.self, from: written.removing(keys)) {
        return encodeSection(value).node(at: path)
      }
      keys = keys.dropLast()
    }
    return nil
  }

  /// One line for each value of a lower layer that was dropped because its section got a new name without that key.
  private func droppedKeys(below key: String, except known: Set<String>) -> [String] {
    history.events.keys.sorted().compactMap { path in
      guard key.isEmpty || path == key || path.hasPrefix(key + "."), !known.contains(path) else { return nil }
      guard case .dropped(let node, let cause)? = history.events[path]?.last, node.entries == nil else { return nil }
      let name = cause.scalar.map { " ('\($0)')" } ?? ""
      return "\(path): \(YAMLWriter.flow(node))  # \(node.place), dropped by \(cause.place)\(name)"
    }
  }

  private func unknown(_ key: String) -> String {
    var section: any Configurable = value
    var title = ""
    for part in key.split(separator: ".").map(String.init) {
      let path = YAMLNode.path(title, key: part)
      guard let below = Self.section(part, in: section) else {
        let keys = Self.keys(of: section)
        if keys.contains(part) { return "'\(path)' has no keys of its own" }
        return unknown(part, in: title, keys, of: section)
      }
      (section, title) = (below, path)
    }
    return "unknown key '\(key)'"
  }

  private func unknown<Section: Configurable>(
    _ key: String, in title: String, _ keys: [String], of section: Section
  ) -> String {
    UnknownKey(key, in: title, at: title, siblings: keys, of: section).hinted(by: Value.hints).text
  }

  private static func section<Section: Configurable>(_ key: String, in section: Section) -> (any Configurable)? {
    Section.fields.first { $0.key == key }?.section(section)
  }

  private static func keys<Section: Configurable>(of section: Section) -> [String] {
    Section.fields.map(\.key)
  }
}

/// A key that holds a value rather than a section.
private struct Leaf {
  let node: YAMLNode
  let meaning: String
  let expectation: String

  /// `training.steps: 5000`
  var line: String { "\(node.path): \(YAMLWriter.flow(node))" }
}

private func leaves<Section: Configurable>(of section: Section, in tree: YAMLNode, meaning: String) -> [Leaf] {
  (tree.entries ?? []).flatMap { entry -> [Leaf] in
    guard let field = Section.fields.first(where: { $0.key == entry.key }) else {
      // This is the name of a variant. Its meaning is that of the section.
      return [Leaf(node: entry.value, meaning: meaning, expectation: "")]
    }
    if let below = field.section(section) { return leaves(of: below, in: entry.value, meaning: field.meaning) }
    let expectation = Schema.words(field.schema(section))
    return [Leaf(node: entry.value, meaning: field.meaning, expectation: expectation)]
  }
}

extension YAMLNode {
  /// The node at a dotted path, or nil.
  fileprivate func node(at path: String) -> YAMLNode? {
    path.split(separator: ".").reduce(Optional(self)) { node, key in node?[String(key)] }
  }

  /// All scalars in the tree.
  fileprivate var scalars: [YAMLNode] {
    switch content {
    case .scalar: [self]
    case .sequence(let elements): elements.flatMap(\.scalars)
    case .mapping(let entries): entries.flatMap(\.value.scalars)
    }
  }

  /// The same tree without the node at the path `keys`.
  fileprivate func removing(_ keys: ArraySlice<String>) -> YAMLNode {
    guard let key = keys.first, let entries else { return self }
    var node = self
    node.content = .mapping(
      entries.compactMap { entry in
        guard entry.key == key else { return entry }
        if keys.count == 1 { return nil }
        return Entry(entry.key, entry.value.removing(keys.dropFirst()), keyPlace: entry.keyPlace)
      })
    return node
  }
}
