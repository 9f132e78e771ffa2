/// A section of a config: a struct with a default for everything, that lists its keys once.
public protocol Configurable: Sendable {
  /// The section with every key at its default.
  init()

  /// The keys, in the order in which they are documented and written.
  static var fields: [Field<Self>] { get }

  /// What is wrong with values that are each valid alone; asked once the section is read. Empty by default.
  func problems() -> [Problem]

  /// What people call keys by other names; asked of the section that is a whole file. Empty by default.
  static var hints: [KeyHint] { get }
}

extension Configurable {
  public func problems() -> [Problem] { [] }
  public static var hints: [KeyHint] { [] }
}

/// A fault between values, at the key that should change; the loader finds its place.
public struct Problem: Sendable, Hashable {
  /// A key of the section, or a path to one below it: `minimum`, `window.minimum`.
  public var key: String
  public var message: String

  public init(key: String, _ message: String) {
    self.key = key
    self.message = message
  }
}
