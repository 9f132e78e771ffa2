/// What each layer said of each key path, from the lowest layer up.
struct History: Sendable {
  /// One statement about a key path.
  enum Event: Sendable {
    /// A file or an override gave this value.
    case set(YAMLNode)
    /// A new name of the section made the value void.
    case dropped(YAMLNode, because: YAMLNode)
  }

  private(set) var events: [String: [Event]] = [:]

  /// Records every value of a layer.
  mutating func record(_ layer: YAMLNode) {
    if !layer.isImplied { events[layer.path, default: []].append(.set(layer)) }
    for entry in layer.entries ?? [] { record(entry.value) }
  }

  /// Records that a value and all below it no longer count.
  mutating func drop(_ node: YAMLNode, because cause: YAMLNode) {
    events[node.path, default: []].append(.dropped(node, because: cause))
    for entry in node.entries ?? [] { drop(entry.value, because: cause) }
  }
}
