extension ConfigurationFile {
  /// The JSON schema (draft-07) of config files, for editors. It is the same text every time.
  public static func schema<Value: Configurable>(for type: Value.Type, title: String = "config") -> String {
    Schema.document(sectionSchema(Value()), title: title).description + "\n"
  }
}

/// Builds the schema of a config file from the schemas of its sections.
enum Schema {
  /// The schema of a whole file: the section's keys and `extends`.
  static func document(_ section: JSON, title: String) -> JSON {
    var document: JSON = [
      "$schema": "http://json-schema.org/draft-07/schema#", "title": .text(title), "type": "object",
    ]
    let extends: JSON = [
      "type": "string", "description": "a config below this one, relative to the folder of this file",
    ]
    guard case .object(let keys)? = section["properties"] else { return document }
    var sharing = SharedSchemas(of: .object(keys))
    document["properties"] = .object(
      [.init(ConfigurationFile.extendsKey, extends)] + keys.map { .init($0.key, sharing.shared($0.value, as: $0.key)) })
    document["additionalProperties"] = false
    if !sharing.definitions.isEmpty { document["definitions"] = .object(sharing.definitions) }
    return document
  }

  /// The value, or nil if it is an infinite bound, which the schema leaves out.
  static func finite(_ value: JSON?) -> JSON? {
    if case .number(let bound)? = value, !bound.isFinite { return nil }
    return value
  }

  /// A schema in words, such as `integer, 1 or more` or `one of a, b`; empty if there is no short form.
  static func words(_ schema: JSON) -> String {
    if case .list(let values)? = schema["enum"] {
      return "one of "
        + values.map { if case .text(let text) = $0 { text } else { $0.description } }
        .joined(separator: ", ")
    }
    if case .list(let forms)? = schema["anyOf"] ?? schema["oneOf"] {
      return forms.map(words).filter { !$0.isEmpty }.joined(separator: "; or ")
    }
    if schema["properties"] != nil { return "a section" }
    guard case .text(let type)? = schema["type"] else { return "" }
    switch type {
    case "array": return "a list" + (schema["items"].map { ", each " + words($0) } ?? "")
    case "boolean": return "true or false"
    case "string": return "text"
    case "object": return "a map"
    default: break
    }
    switch (finite(schema["minimum"]), finite(schema["maximum"])) {
    case (let lower?, let upper?): return "\(type), \(lower) to \(upper)"
    case (let lower?, nil): return "\(type), \(lower) or more"
    case (nil, let upper?): return "\(type), \(upper) or less"
    case (nil, nil): return type
    }
  }
}

/// Moves each section that occurs more than once to `definitions`, where it is written only once.
struct SharedSchemas {
  private(set) var definitions: [JSON.Member] = []
  private var counts: [JSON: Int] = [:]
  private var names: [JSON: String] = [:]

  init(of root: JSON) {
    count(root)
  }

  private mutating func count(_ schema: JSON) {
    switch schema {
    case .list(let elements): for element in elements { count(element) }
    case .object(let members):
      if Self.isSection(schema) {
        counts[schema, default: 0] += 1
        // The sections inside a repeated section are shared along with it.
        if counts[schema, default: 0] > 1 { return }
      }
      for member in members { count(member.value) }
    default: break
    }
  }

  /// The schema with repeated sections replaced by references; `key` is the name for a new definition.
  mutating func shared(_ schema: JSON, as key: String) -> JSON {
    if let name = names[schema] { return ["$ref": .text("#/definitions/\(name)")] }
    let isRepeated = counts[schema, default: 0] > 1
    let result: JSON
    switch schema {
    case .list(let elements): result = .list(elements.map { shared($0, as: key) })
    case .object(let members):
      result = .object(
        members.compactMap { member in
          guard Schema.finite(member.value) != nil else { return nil }
          let isKeyword = Self.keywords.contains(member.key)
          return .init(member.key, shared(member.value, as: isKeyword ? key : member.key))
        })
    default: result = schema
    }
    guard isRepeated else { return result }
    var (name, number) = (key, 1)
    while definitions.contains(where: { $0.key == name }) {
      number += 1
      name = "\(key)-\(number)"
    }
    names[schema] = name
    definitions.append(.init(name, result))
    return ["$ref": .text("#/definitions/\(name)")]
  }

  /// Members of a schema that are JSON-schema keywords, not keys of the config.
  private static let keywords: Set<String> = ["properties", "items", "if", "then", "allOf", "anyOf", "oneOf"]

  private static func isSection(_ schema: JSON) -> Bool {
    if case .object(let keys)? = schema["properties"], schema["type"] != nil { return !keys.isEmpty }
    return false
  }
}
