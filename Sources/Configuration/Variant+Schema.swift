extension Variant {
  /// The schema of the section: the name, and for each name the keys of its entry.
  ///
  /// If the name is missing (an extended file may set it), the keys of all entries are allowed. If `standard` is nil,
  /// as for the elements of a list, a name is required.
  func schema(standard: Choice?) -> JSON {
    let summaries = catalog.entries.map { "\($0.name): \($0.summary)" }.joined(separator: "; ")
    var name: JSON = ["enum": .list(catalog.names.map(JSON.text)), "description": .text(summaries)]
    if let standard { name["default"] = .text(standard.name) }
    var cases = catalog.entries.map { entry -> JSON in
      let config = entry.name == standard?.name ? standard?.config : nil
      return [
        "if": ["properties": [Self.selector: ["const": .text(entry.name)]], "required": .list([.text(Self.selector)])],
        "then": keys(of: config ?? entry.defaults, summary: entry.summary),
      ]
    }
    guard standard != nil else {
      return [
        "type": "object", "properties": [Self.selector: name], "required": .list([.text(Self.selector)]),
        "allOf": .list(cases),
      ]
    }
    cases.append([
      "if": ["not": ["required": .list([.text(Self.selector)])]],
      "then": ["properties": .object(allKeys()), "additionalProperties": false],
    ])
    return ["type": ["object", "null"], "properties": [Self.selector: name], "allOf": .list(cases)]
  }

  private func keys(of config: any Configurable, summary: String) -> JSON {
    func schema<Section: Configurable>(_ section: Section) -> JSON { sectionSchema(section) }
    let section = schema(config)
    guard case .object(let properties)? = section["properties"] else { return section }
    return [
      "description": .text(summary), "properties": .object([.init(Self.selector, [:])] + properties),
      "additionalProperties": false,
    ]
  }

  /// The keys of all entries, each once, with its meaning and without constraints.
  private func allKeys() -> [JSON.Member] {
    func members<Section: Configurable>(_ section: Section) -> [JSON.Member] {
      Section.fields.map { .init($0.key, ["description": .text($0.meaning)]) }
    }
    var seen: Set<String> = []
    return catalog.entries.flatMap { members($0.defaults) }.filter { seen.insert($0.key).inserted }
  }
}
