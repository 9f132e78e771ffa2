extension Coding where Value == Choice {
  /// A section chosen by its `name`, which determines its other keys.
  ///
  /// Decoding starts from the entry's defaults, or from the current value if that has the same name.
  public static func variant<Context, Product>(in registry: Registry<Context, Product>) -> Coding {
    let variant = Variant(catalog: registry.catalog)
    return Coding(
      schema: { variant.schema(standard: $0) }, decode: { try variant.decode($0, current: $1) },
      encode: { variant.encode($0) }, merge: Merge { variant.merge($0, $1, before: $2, after: $3, history: &$4) },
      section: { $0.config })
  }
}

extension Coding where Value == [Choice] {
  /// A list of sections, each chosen by its `name`.
  public static func variants<Context, Product>(in registry: Registry<Context, Product>) -> Coding {
    let variant = Variant(catalog: registry.catalog)
    let element = Coding<Choice>(
      schema: { _ in variant.schema(standard: nil) }, decode: { node, _ in try variant.decode(node, current: nil) },
      encode: { variant.encode($0) }, merge: Merge { variant.merge($0, $1, before: $2, after: $3, history: &$4) },
      section: { $0.config })
    let first = registry.catalog.entries.first
    return .list(
      of: element, startingFrom: Choice(name: first?.name ?? "", config: first?.defaults ?? NoSettings()))
  }
}

/// Reads, writes, merges and describes a section chosen by its name.
struct Variant: Sendable {
  static let selector = "name"

  let catalog: Catalog

  func decode(_ node: YAMLNode, current: Choice?) throws -> Choice {
    if node.isNull, let current { return current }
    guard node.entries != nil else {
      let known = node.scalar.flatMap { catalog.choice($0) }?.name ?? catalog.names.first ?? ""
      throw node.expected("a section chosen by its name", example: "{ name: \(known) }")
    }
    let start = try choice(in: node, current: current)
    var config = start.config
    let title = node.path + " '\(start.name)'"
    func decode<Section: Configurable>(_ section: Section) throws -> Section {
      try decodeSection(
        from: node, startingFrom: section, ignoring: [Self.selector], title: title, owners: catalog.owners)
    }
    config = try decode(config)
    return Choice(name: start.name, config: config)
  }

  /// The value to start from: the current one if it has the chosen name, otherwise that entry's defaults.
  private func choice(in node: YAMLNode, current: Choice?) throws -> Choice {
    guard let named = node[Self.selector] else {
      if let current { return current }
      throw node.fault("needs a name (known: \(catalog.names.joined(separator: ", ")))")
    }
    guard let name = named.scalar else {
      throw named.expected("one of \(catalog.names.joined(separator: ", "))", example: catalog.names.first ?? "")
    }
    if let current, current.name == name { return current }
    guard let choice = catalog.choice(name) else { throw ConfigurationError(catalog.unknown(name), at: named.place) }
    return choice
  }

  func encode(_ choice: Choice) -> YAMLNode {
    func encode<Section: Configurable>(_ section: Section) -> YAMLNode { encodeSection(section) }
    let name = YAMLNode.Entry(Self.selector, .text(choice.name))
    return YAMLNode(.mapping([name] + (encode(choice.config).entries ?? [])))
  }

  /// Merges as a section does, except that a new name drops the values that lower layers set for the old name.
  ///
  /// If both names share one struct, the values are kept.
  func merge(
    _ lower: YAMLNode, _ upper: YAMLNode?, before: Choice, after: Choice, history: inout History
  ) -> YAMLNode {
    guard let lowerEntries = lower.entries else { return upper.flatMap { $0.isNull ? nil : $0 } ?? lower }
    let oldName = lower[Self.selector]?.scalar ?? before.name
    let newName = upper?[Self.selector]?.scalar ?? lower[Self.selector]?.scalar ?? after.name
    let old = oldName == before.name ? before.config : catalog.choice(oldName)?.config
    let new = newName == after.name ? after.config : catalog.choice(newName)?.config
    func merge<Section: Configurable>(_ before: Section, _ after: any Configurable) -> YAMLNode? {
      guard let after = after as? Section else { return nil }
      return mergeSection(lower, upper, before: before, after: after, history: &history)
    }
    if let old, let new, let merged = merge(old, new) { return merged }
    // The structs differ, or decoding will reject the name.
    var merged = upper ?? lower
    let cause = upper?[Self.selector] ?? merged
    var kept: [YAMLNode.Entry] = []
    for entry in lowerEntries where upper?[entry.key] == nil {
      if entry.key == Self.selector || oldName == newName {
        kept.append(entry)
      } else {
        history.drop(entry.value, because: cause)
      }
    }
    merged.content = .mapping(kept + (upper?.entries ?? []))
    merged.settle(over: lower)
    return merged
  }
}
