/// A value in a YAML tree, with its place and its key path from the root.
public struct YAMLNode: Sendable {
  /// The value: a scalar as written, a list, or a map in the order of the text.
  public enum Content: Sendable {
    /// `isPlain` is false for quoted and block scalars, which are always text.
    case scalar(String, isPlain: Bool)
    case sequence([YAMLNode])
    case mapping([Entry])
  }

  /// One key of a map, with its place.
  public struct Entry: Sendable {
    public var key: String
    public var keyPlace: Place
    public var value: YAMLNode

    public init(_ key: String, _ value: YAMLNode, keyPlace: Place? = nil) {
      self.key = key
      self.value = value
      self.keyPlace = keyPlace ?? value.place
    }
  }

  public var content: Content
  public var place: Place
  /// `model.controller.hidden`, `regularizers[0].weight`; empty at the root.
  public internal(set) var path: String
  /// True for a map that exists only because of an override's dotted key: for `model.steps=3`, the map under `model`.
  var isImplied = false
  /// The elements of the lower layer's list, if this is an implied map in which some key names no element of that list.
  var listBelow: [YAMLNode]?

  /// A node of a tree under construction. `placed(at:)` sets the paths of a whole tree.
  public init(_ content: Content, at place: Place = .defaults, path: String = "") {
    self.content = content
    self.place = place
    self.path = path
  }
}

extension YAMLNode {
  /// The entries of a map, or nil.
  public var entries: [Entry]? {
    if case .mapping(let entries) = content { return entries }
    return nil
  }

  /// The elements of a list, or nil.
  public var elements: [YAMLNode]? {
    if case .sequence(let elements) = content { return elements }
    return nil
  }

  /// The characters of a scalar as written, or nil.
  public var scalar: String? {
    if case .scalar(let text, _) = content { return text }
    return nil
  }

  /// True for an empty value, `~` and `null`.
  public var isNull: Bool {
    if case .scalar(let text, isPlain: true) = content { return YAMLScalar(plain: text) == .null }
    return false
  }

  /// The value of a map's key, or nil.
  public subscript(key: String) -> YAMLNode? {
    entries?.first { $0.key == key }?.value
  }

  /// The same tree moved to another key path; places do not change.
  public func placed(at path: String) -> YAMLNode {
    var node = self
    node.path = path
    switch content {
    case .scalar: break
    case .sequence(let elements):
      node.content = .sequence(
        elements.enumerated().map { $1.placed(at: Self.path(path, index: $0)) })
    case .mapping(let entries):
      node.content = .mapping(
        entries.map { Entry($0.key, $0.value.placed(at: Self.path(path, key: $0.key)), keyPlace: $0.keyPlace) })
    }
    return node
  }

  static func path(_ path: String, key: String) -> String {
    path.isEmpty ? key : path + "." + key
  }

  static func path(_ path: String, index: Int) -> String {
    path + "[\(index)]"
  }
}

/// Builders for the nodes that a `Coding` writes.
extension YAMLNode {
  public static let null = YAMLNode(.scalar("null", isPlain: true))

  public static func integer(_ value: Int) -> YAMLNode {
    YAMLNode(.scalar(String(value), isPlain: true))
  }

  public static func number(_ value: Double) -> YAMLNode {
    YAMLNode(.scalar(YAMLScalar.text(of: value), isPlain: true))
  }

  public static func flag(_ value: Bool) -> YAMLNode {
    YAMLNode(.scalar(value ? "true" : "false", isPlain: true))
  }

  /// Text. The writer quotes it if it would otherwise be read as another kind of value.
  public static func text(_ value: String) -> YAMLNode {
    YAMLNode(.scalar(value, isPlain: false))
  }

  public static func list(_ elements: [YAMLNode]) -> YAMLNode {
    YAMLNode(.sequence(elements))
  }

  public static func map(_ entries: [(String, YAMLNode)]) -> YAMLNode {
    YAMLNode(.mapping(entries.map { Entry($0.0, $0.1) }))
  }
}
