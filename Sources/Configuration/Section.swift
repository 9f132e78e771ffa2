/// Reads a section's keys from a map, starting from the given value.
///
/// Keys in `ignored` are skipped, because the caller reads them. An empty value is an empty section.
/// Throws one `ConfigurationError` with every fault: unknown keys, invalid values, and the section's `problems`.
public func decodeSection<Section: Configurable>(
  _ type: Section.Type, from node: YAMLNode, startingFrom start: Section = .init(), ignoring ignored: Set<String> = []
) throws -> Section {
  try decodeSection(from: node, startingFrom: start, ignoring: ignored, title: node.path)
}

func decodeSection<Section: Configurable>(
  from node: YAMLNode, startingFrom start: Section, ignoring ignored: Set<String>, title: String,
  owners: (_ unknownKey: String) -> String = { _ in "" }
) throws -> Section {
  if node.isNull { return start }
  let fields = Section.fields
  guard let entries = node.entries else {
    let key = fields.first?.key ?? "key"
    throw node.expected("a section", example: "{ \(key): ... }")
  }
  var section = start
  var errors = ErrorCollector()
  var unknown = 0
  for entry in entries where !ignored.contains(entry.key) {
    if let field = fields.first(where: { $0.key == entry.key }) {
      try errors.attempt { try field.decode(entry.value, &section) }
    } else {
      // Each suggestion needs a search, and a map of a wholly different kind does not need many.
      unknown += 1
      guard unknown <= ConfigurationError.described else { continue }
      let key = UnknownKey(
        entry.key, in: title, at: node.path, siblings: ignored.sorted() + fields.map(\.key), of: section,
        owners: owners(entry.key))
      errors.add(key, at: entry.keyPlace)
    }
  }
  if unknown > ConfigurationError.described {
    errors.add("\(unknown) unknown keys in all \(title.isEmpty ? "at the top level" : "in \(title)")", at: node.place)
  }
  if errors.isEmpty {
    for problem in section.problems() {
      let found = node.nearest(to: problem.key)
      errors.add("'\(YAMLNode.path(node.path, key: problem.key))' \(problem.message)", at: found.place)
    }
  }
  try errors.finish()
  return section
}

/// All keys of a section with their values, in declared order.
public func encodeSection<Section: Configurable>(_ section: Section) -> YAMLNode {
  YAMLNode(.mapping(Section.fields.map { YAMLNode.Entry($0.key, $0.encode(section)) }))
}

/// The dotted names of the keys that hold paths of files, which may differ between runs on the same data.
public func locationKeys<Section: Configurable>(of section: Section) -> [String] {
  Section.fields.flatMap { field -> [String] in
    if field.isLocation { return [field.key] }
    return field.section(section).map { locationKeys(of: $0).map { "\(field.key).\($0)" } } ?? []
  }
}

/// The JSON schema (draft-07) of a section. The given value supplies the defaults; unknown keys are not allowed.
public func sectionSchema<Section: Configurable>(_ section: Section = .init()) -> JSON {
  let members = Section.fields.map { JSON.Member($0.key, $0.schema(section)) }
  return ["type": ["object", "null"], "properties": .object(members), "additionalProperties": false]
}

func mergeSection<Section: Configurable>(
  _ lower: YAMLNode, _ upper: YAMLNode?, before: Section, after: Section, history: inout History
) -> YAMLNode {
  let above = upper.flatMap { $0.isNull ? nil : $0 }
  guard let lowerEntries = lower.entries else { return above ?? lower }
  if let above, above.entries == nil { return above }
  let fields = Section.fields
  var merged = above ?? lower
  var entries: [YAMLNode.Entry] = []
  for var entry in lowerEntries {
    let new = above?.entries?.first { $0.key == entry.key }
    if let field = fields.first(where: { $0.key == entry.key }) {
      entry.value = field.merge(entry.value, new?.value, before, after, &history)
    } else if let new {
      entry.value = new.value
    }
    entry.keyPlace = new?.keyPlace ?? entry.keyPlace
    entries.append(entry)
  }
  entries += (above?.entries ?? []).filter { lower[$0.key] == nil }
  merged.content = .mapping(entries)
  merged.settle(over: lower)
  return merged
}

extension YAMLNode {
  /// The node at a dotted path below this one, or the last existing node on the way to it.
  func nearest(to path: String) -> YAMLNode {
    var node = self
    for key in path.split(separator: ".") {
      guard let next = node[String(key)] else { break }
      node = next
    }
    return node
  }
}
