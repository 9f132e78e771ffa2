/// A config as read: its value, and where each part of it was written.
public struct Loaded<Value: Configurable>: Sendable {
  public let value: Value
  /// Every key with its effective value; a node's place says which file, override or default set it.
  public let tree: YAMLNode
  /// The merged layers without the defaults.
  let written: YAMLNode
  let history: History

  init(value: Value, written: YAMLNode, history: History) {
    self.value = value
    self.written = written
    self.history = history
    tree = encodeSection(value).placed(at: "").placed(as: written)
  }

  /// A fault found after loading, at the place of a key (`regularizers`, `model.window.minimum`).
  public func fault(_ key: String, _ message: String) -> ConfigurationError {
    ConfigurationError("'\(key)' \(message)", at: written.nearest(to: key).place)
  }
}

extension YAMLNode {
  /// The same tree with the places of another one, wherever that has a value too.
  fileprivate func placed(as other: YAMLNode?) -> YAMLNode {
    var node = self
    node.place = other?.place ?? .defaults
    switch content {
    case .scalar: break
    case .sequence(let elements):
      let others = other?.elements ?? []
      node.content = .sequence(
        // Dotted keys may set elements of a list that no layer writes.
        elements.indices.map { elements[$0].placed(as: $0 < others.count ? others[$0] : other?[String($0)]) })
    case .mapping(let entries):
      node.content = .mapping(entries.map { Entry($0.key, $0.value.placed(as: other?[$0.key])) })
    }
    return node
  }
}
