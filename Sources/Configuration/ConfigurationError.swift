/// All faults of a config: one message each, with its place, sorted by place.
public struct ConfigurationError: Error, Sendable {
  /// One fault: its place and what to do about it.
  public struct Message: Sendable, Hashable {
    public var place: Place?
    public var text: String
    /// The unknown key, if that is the fault.
    var unknownKey: UnknownKey?

    public init(_ text: String, at place: Place?) {
      self.text = text
      self.place = place
    }

    init(_ key: UnknownKey, at place: Place?) {
      self.init(key.text, at: place)
      unknownKey = key
    }
  }

  /// Sorted by place, without repetitions.
  public let messages: [Message]

  /// One fault at one place.
  public init(_ text: String, at place: Place?) {
    messages = [Message(text, at: place)]
  }

  /// All faults of several errors; faults at one place keep their order.
  public init(_ messages: [Message]) {
    var seen: Set<Message> = []
    let ordered = messages.filter { seen.insert($0).inserted }.enumerated().sorted { left, right in
      let (leftPlace, rightPlace) = (left.element.place ?? .defaults, right.element.place ?? .defaults)
      if leftPlace < rightPlace { return true }
      if rightPlace < leftPlace { return false }
      return left.offset < right.offset
    }
    self.messages = ordered.map(\.element)
  }
}

extension ConfigurationError: CustomStringConvertible {
  /// The number of faults that are printed; further faults are only counted.
  static let described = 20

  /// One line per fault: `configs/air.yaml:12:3: unknown key 'hiden' in model.controller; did you mean 'hidden'?`
  public var description: String {
    var lines = messages.prefix(Self.described).map(\.description)
    if messages.count > Self.described { lines.append("... and \(messages.count - Self.described) more faults") }
    return lines.joined(separator: "\n")
  }
}

extension ConfigurationError.Message: CustomStringConvertible {
  public var description: String {
    guard let place, place.source != .defaults else { return text }
    return "\(place): \(text)"
  }
}

/// Gathers the faults of several attempts, to report all of them at once.
struct ErrorCollector {
  private var messages: [ConfigurationError.Message] = []

  /// The result of `work`, or nil if it threw a `ConfigurationError`; rethrows any other error.
  mutating func attempt<Result>(_ work: () throws -> Result) throws -> Result? {
    do {
      return try work()
    } catch let error as ConfigurationError {
      messages += error.messages
      return nil
    }
  }

  mutating func add(_ text: String, at place: Place?) {
    messages.append(.init(text, at: place))
  }

  mutating func add(_ key: UnknownKey, at place: Place?) {
    messages.append(.init(key, at: place))
  }

  var isEmpty: Bool { messages.isEmpty }

  var error: ConfigurationError { ConfigurationError(messages) }

  /// Throws one error with all gathered faults, if there are any.
  func finish() throws {
    if !messages.isEmpty { throw error }
  }
}
