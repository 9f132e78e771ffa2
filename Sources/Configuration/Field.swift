/// One key of a section: its name, the property it sets, its meaning, and how its value is coded.
public struct Field<Owner>: Sendable {
  public let key: String
  /// One line, for help and the schema.
  public let meaning: String

  /// Reads the node into the section; throws `ConfigurationError`.
  let decode: @Sendable (_ node: YAMLNode, _ section: inout Owner) throws -> Void
  let encode: @Sendable (_ section: Owner) -> YAMLNode
  /// The schema, with the section's current value as the default.
  let schema: @Sendable (_ section: Owner) -> JSON
  let merge:
    @Sendable (
      _ lower: YAMLNode, _ upper: YAMLNode?, _ before: Owner, _ after: Owner, _ history: inout History
    ) -> YAMLNode
  /// The section under this key, or nil.
  let section: @Sendable (_ section: Owner) -> (any Configurable)?
  /// Whether the value is the path of a file rather than content.
  let isLocation: Bool

  /// The general form, which all other constructors use.
  public init<Value: Sendable>(
    _ key: String, _ path: WritableKeyPath<Owner, Value> & Sendable, _ meaning: String, coding: Coding<Value>
  ) {
    self.key = key
    self.meaning = meaning
    decode = { node, section in
      section[keyPath: path] = try coding.decode(node, section[keyPath: path])
    }
    encode = { coding.encode($0[keyPath: path]) }
    schema = { section in
      var schema = coding.schema(section[keyPath: path])
      schema["description"] = .text(meaning)
      return schema
    }
    merge = { lower, upper, before, after, history in
      coding.merge.function(lower, upper, before[keyPath: path], after[keyPath: path], &history)
    }
    section = { coding.section($0[keyPath: path]) }
    isLocation = coding.isLocation
  }
}
