/// How a value is read from YAML, written back, merged, and described in the JSON schema.
public struct Coding<Value: Sendable>: Sendable {
  /// The schema for a given default value, without `description`.
  let schema: @Sendable (_ standard: Value) -> JSON
  /// Reads the value from a node. `current` supplies what the node does not set.
  let decode: @Sendable (_ node: YAMLNode, _ current: Value) throws -> Value
  let encode: @Sendable (_ value: Value) -> YAMLNode
  let merge: Merge<Value>
  /// The value as a section with keys; nil if it has none.
  let section: @Sendable (_ value: Value) -> (any Configurable)?
  /// Whether the value is the path of a file rather than content.
  var isLocation = false

  /// A single value, which a later layer of the config replaces as a whole.
  ///
  /// `decode` throws `ConfigurationError` for a node it cannot use, through `YAMLNode`'s readers or `fault`.
  /// The default is added to `schema`. If `selector` names a key (such as `schedule`), the maps of two layers merge key
  /// by key unless they differ at that key.
  public init(
    schema: JSON, mergedBy selector: String? = nil, decode: @escaping @Sendable (YAMLNode) throws -> Value,
    encode: @escaping @Sendable (Value) -> YAMLNode
  ) {
    self.init(schema: schema, mergedBy: selector, decode: { node, _ in try decode(node) }, encode: encode)
  }

  /// As above, for a value that is decoded starting from the current one (initially the default).
  public init(
    schema: JSON, mergedBy selector: String? = nil, decode: @escaping @Sendable (YAMLNode, Value) throws -> Value,
    encode: @escaping @Sendable (Value) -> YAMLNode
  ) {
    self.init(
      schema: { standard in
        var described = schema
        let json = JSON(encode(standard))
        if json != .null { described["default"] = json }
        return described
      },
      decode: { node, current in
        if node.isImplied, selector == nil { throw node.replacedWhole() }
        return try decode(node, current)
      },
      encode: encode, merge: selector.map { Merge(selector: $0) } ?? .replacing, section: { _ in nil })
  }

  /// The general form, used for sections.
  init(
    schema: @escaping @Sendable (Value) -> JSON, decode: @escaping @Sendable (YAMLNode, Value) throws -> Value,
    encode: @escaping @Sendable (Value) -> YAMLNode, merge: Merge<Value>,
    section: @escaping @Sendable (Value) -> (any Configurable)?
  ) {
    self.schema = schema
    self.decode = decode
    self.encode = encode
    self.merge = merge
    self.section = section
  }
}

extension YAMLNode {
  /// The error for an override such as `dataset.counts.2=10`, where `counts` has no keys that can be set separately.
  func replacedWhole() -> ConfigurationError {
    fault("has no keys of its own: it is replaced whole (write \(path)=VALUE)")
  }
}

extension JSON {
  /// The value of a YAML node as JSON; infinities become null.
  public init(_ node: YAMLNode) {
    switch node.content {
    case .sequence(let elements): self = .list(elements.map(JSON.init))
    case .mapping(let entries): self = .object(entries.map { Member($0.key, JSON($0.value)) })
    case .scalar(let text, _):
      switch node.meaning {
      case .flag(let value): self = .flag(value)
      case .integer(let value): self = .integer(value)
      case .number(let value): self = value.isFinite ? .number(value) : .null
      case .null: self = .null
      default: self = .text(text)
      }
    }
  }
}
