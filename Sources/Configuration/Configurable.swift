/// A section of a config: a struct with a default for everything, that lists its keys once.
public protocol Configurable: Sendable {
  /// The section with every key at its default.
  init()

  /// The keys, in the order in which they are documented and written.
  static var fields: [Field<Self>] { get }

  /// What is wrong with values that are each valid alone; asked once the section is read. Empty by default.
  func problems() -> [Problem]
}

extension Configurable {
  public func problems() -> [Problem] { [] }
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
