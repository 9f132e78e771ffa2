/// Overrides: `key.path=value` on the command line.
enum Override {
  /// Combines all overrides into one layer; a later override replaces an earlier one.
  ///
  /// Throws `ConfigurationError` with a fault for each override that is not `key.path=value` with a value in YAML.
  static func layer(_ overrides: [String]) throws -> YAMLNode? {
    var root: YAMLNode?
    var errors = ErrorCollector()
    for text in overrides {
      try errors.attempt {
        let (keys, value) = try parse(text)
        root = try insert(value, at: keys[...], in: root, path: "", keyPlace: value.place)
      }
    }
    try errors.finish()
    return root
  }

  /// A layer that sets one key by its dotted name. Throws `ConfigurationError` if `path` is not a dotted name.
  static func layer(setting path: String, to value: YAMLNode, at place: Place) throws -> YAMLNode {
    try insert(value, at: keys(of: path, at: place)[...], in: nil, path: "", keyPlace: place)
  }

  private static func parse(_ text: String) throws -> (keys: [String], value: YAMLNode) {
    let place = Place(.override(text))
    guard let sign = text.firstIndex(of: "="), sign > text.startIndex else {
      throw ConfigurationError("must be key=value (for example training.steps=5000)", at: place)
    }
    let path = String(text[..<sign])
    return (try keys(of: path, at: place), try value(of: text[text.index(after: sign)...], at: place, path: path))
  }

  /// Splits a dotted name into its parts.
  private static func keys(of path: String, at place: Place) throws -> [String] {
    let keys = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    if keys.contains(where: \.isEmpty) {
      throw ConfigurationError(
        "'\(path)' is not a key: names joined by single dots (for example training.steps)", at: place)
    }
    if keys.count > YAMLParser.maximumDepth {
      throw ConfigurationError(
        "more than \(YAMLParser.maximumDepth) keys joined by dots; no config is so deep", at: place)
    }
    for key in keys { try YAMLParser.check(key: key, at: place) }
    if keys[0] == ConfigurationFile.extendsKey {
      throw ConfigurationError("'extends' is allowed in files only", at: place)
    }
    if let list = keys.first(where: { $0.contains("[") }) {
      let name = list.prefix { $0 != "[" }
      throw ConfigurationError(
        "an element of a list is named by its number after a dot (write \(name).0=VALUE)", at: place)
    }
    return keys
  }

  /// Parses lists, maps and quoted text as YAML. Any other text is one plain scalar, even if it contains `:` or `#`.
  private static func value(of text: Substring, at place: Place, path: String) throws -> YAMLNode {
    let trimmed = text.drop { $0 == " " }
    if let first = trimmed.first, "[{\"'".contains(first) {
      let source = try SourceText(Array(trimmed.utf8), of: place.source)
      if let value = try YAMLParser.parse(source, at: path) { return value }
    }
    try YAMLParser.check(String(trimmed), at: place)
    return YAMLNode(.scalar(String(trimmed), isPlain: true), at: place, path: path)
  }

  private static func insert(
    _ value: YAMLNode, at keys: ArraySlice<String>, in node: YAMLNode?, path: String, keyPlace: Place
  ) throws -> YAMLNode {
    guard let key = keys.first else {
      // `a.b=1 a={c: 2}` keeps both keys; any other later value of the same key replaces the earlier one.
      guard let node, node.isImplied, let old = node.entries, let new = value.entries else { return value }
      var joined = value
      joined.content = .mapping(old.filter { value[$0.key] == nil } + new)
      return joined
    }
    if var list = node, var elements = list.elements {
      let index = try YAMLNode.index(key, count: elements.count, path: path, at: keyPlace)
      elements[index] = try insert(
        value, at: keys.dropFirst(), in: elements[index], path: YAMLNode.path(path, index: index), keyPlace: keyPlace)
      list.content = .sequence(elements)
      return list
    }
    var map = node ?? YAMLNode(.scalar("", isPlain: true), at: value.place, path: path)
    if map.entries == nil {
      map = YAMLNode(.mapping([]), at: value.place, path: path)
      map.isImplied = true
    }
    var entries = map.entries ?? []
    let below = try insert(
      value, at: keys.dropFirst(), in: map[key], path: YAMLNode.path(path, key: key), keyPlace: keyPlace)
    let entry = YAMLNode.Entry(key, below, keyPlace: keyPlace)
    if let index = entries.firstIndex(where: { $0.key == key }) {
      entries[index] = entry
    } else {
      entries.append(entry)
    }
    map.content = .mapping(entries)
    return map
  }
}
