/// What each layer did to each key path, from the lowest layer up.
struct History: Sendable {
  /// One change at a key path.
  enum Event: Sendable {
    /// A file or an override set this value.
    case set(YAMLNode)
    /// The value was dropped because a higher layer gave its section a new name.
    case dropped(YAMLNode, because: YAMLNode)
  }

  private(set) var events: [String: [Event]] = [:]

  /// Records all values of a layer.
  mutating func record(_ layer: YAMLNode) {
    if !layer.isImplied { events[layer.path, default: []].append(.set(layer)) }
    for entry in layer.entries ?? [] { record(entry.value) }
  }

  /// Records that a value and all values under it are dropped.
  mutating func drop(_ node: YAMLNode, because cause: YAMLNode) {
    events[node.path, default: []].append(.dropped(node, because: cause))
    for entry in node.entries ?? [] { drop(entry.value, because: cause) }
  }
}
