/// A section of a config: a struct in which every key has a default and which lists its keys once.
public protocol Configurable: Sendable {
  /// The section with every key at its default.
  init()

  /// The keys, in the order in which they are documented and written.
  static var fields: [Field<Self>] { get }

  /// Problems between values that are each valid alone. Called after the section is read. Empty by default.
  func problems() -> [Problem]

  /// Other names that people use for keys. Only the hints of the top-level section are used. Empty by default.
  static var hints: [KeyHint] { get }
}

extension Configurable {
  public func problems() -> [Problem] { [] }
  public static var hints: [KeyHint] { [] }
}

/// A conflict between values, reported at the key that should change. The loader finds the place of that key.
public struct Problem: Sendable, Hashable {
  /// A key of the section, or a path to one below it: `minimum`, `window.minimum`.
  public var key: String
  public var message: String

  public init(key: String, _ message: String) {
    self.key = key
    self.message = message
  }
}
