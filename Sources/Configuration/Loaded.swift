/// A loaded config: its value, and the place where each part of it was set.
public struct Loaded<Value: Configurable>: Sendable {
  public let value: Value
  /// Every key with its effective value. The place of a node is the file, override or default that set it.
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

  /// A fault that was found after loading, at the place of a key (`regularizers`, `model.window.minimum`).
  public func fault(_ key: String, _ message: String) -> ConfigurationError {
    ConfigurationError("'\(key)' \(message)", at: written.nearest(to: key).place)
  }
}

extension YAMLNode {
  /// The same tree with the places of `other` wherever `other` has a value too.
  fileprivate func placed(as other: YAMLNode?) -> YAMLNode {
    var node = self
    node.place = other?.place ?? .defaults
    switch content {
    case .scalar: break
    case .sequence(let elements):
      let others = other?.elements ?? []
      node.content = .sequence(
        // Dotted keys may set elements of a list that no layer sets as a whole.
        elements.indices.map { elements[$0].placed(as: $0 < others.count ? others[$0] : other?[String($0)]) })
    case .mapping(let entries):
      node.content = .mapping(entries.map { Entry($0.key, $0.value.placed(as: other?[$0.key])) })
    }
    return node
  }
}
