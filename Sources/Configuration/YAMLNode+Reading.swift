/// Functions that a `Coding` uses to read a node. Each returns the value or throws a `ConfigurationError` that states
/// the key, the value found, the expected value and an example.
extension YAMLNode {
  /// A fault of this value. `text` continues the quoted key path: `'training.steps' must be ...`.
  public func fault(_ text: String) -> ConfigurationError {
    ConfigurationError(path.isEmpty ? text : "'\(path)' \(text)", at: place)
  }

  /// The meaning of a plain or quoted scalar; nil for a list or a map.
  public var meaning: YAMLScalar? {
    guard case .scalar(let text, let isPlain) = content else { return nil }
    return isPlain ? YAMLScalar(plain: text) : .text(text)
  }

  /// An integer in the range. `1e3` counts as an integer, `1.0` does not.
  public func integer(in range: ClosedRange<Int> = .min ... .max) throws -> Int {
    let value: Int
    switch meaning {
    case .integer(let integer): value = integer
    case .hugeInteger(let digits): throw fault("is \(digits), outside its range: \(Bounds.words(range))")
    case .number(let number):
      let hasExponent = scalar?.contains { $0 == "e" || $0 == "E" } ?? false
      guard let exact = Int(exactly: number) else {
        throw expected("an integer", example: String(Bounds.example(in: range)))
      }
      guard hasExponent else {
        throw fault("must be an integer, not the number \(scalar ?? "") (write \(exact), without a decimal point)")
      }
      value = exact
    default: throw expected("an integer", example: String(Bounds.example(in: range)))
    }
    guard range.contains(value) else { throw fault("is \(value), outside its range: \(Bounds.words(range))") }
    return value
  }

  /// A number in the range.
  public func number(in range: ClosedRange<Double> = -.infinity ... .infinity) throws -> Double {
    let value: Double
    switch meaning {
    case .integer(let integer): value = Double(integer)
    case .hugeInteger(let digits): value = Double(digits) ?? .infinity
    case .number(let number): value = number
    default: throw expected("a number", example: Bounds.text(Bounds.example(in: range)))
    }
    let isOverflow = value.isInfinite && scalar?.contains { $0.isNumber } ?? false
    guard range.contains(value), !isOverflow else {
      throw fault("is \(scalar ?? ""), outside its range: \(Bounds.words(range))")
    }
    return value
  }

  /// `true` or `false`.
  public func flag() throws -> Bool {
    guard case .flag(let value)? = meaning else { throw expected("true or false", example: "true") }
    return value
  }

  /// Text. A number or `true` is text only if it is quoted.
  public func text() throws -> String {
    guard case .text(let value)? = meaning else {
      let example = scalar.map { isNull ? "\"...\"" : "\"\($0)\"" } ?? "\"...\""
      throw expected("text", example: example)
    }
    return value
  }

  /// One of an enumeration's raw values.
  public func choice<Choice: RawRepresentable<String> & CaseIterable>(_ type: Choice.Type) throws -> Choice {
    let names = Choice.allCases.map(\.rawValue)
    guard let scalar else { throw expected("one of \(names.joined(separator: ", "))", example: names.first ?? "") }
    guard let value = Choice(rawValue: scalar) else {
      throw fault(
        "is '\(scalar)'\(Spelling.suggestion(for: scalar, among: names)) (choices: \(names.joined(separator: ", ")))")
    }
    return value
  }

  /// The elements of a list.
  public func list(example: String = "[...]") throws -> [YAMLNode] {
    guard let elements else { throw expected("a list", example: example) }
    return elements
  }

  /// The entries of a map.
  public func map(example: String = "{ ... }") throws -> [Entry] {
    guard let entries else { throw expected("a map", example: example) }
    return entries
  }

  /// `'training.steps' must be an integer, not the text 'many' (for example steps: 100)`.
  public func expected(_ what: String, example: String) -> ConfigurationError {
    let hint = example.isEmpty ? "" : " (for example \(lastKey)\(example))"
    if path.isEmpty { return ConfigurationError("expected \(what), found \(found)\(hint)", at: place) }
    return fault("must be \(what), not \(found)\(hint)")
  }

  /// The kind of the node and, for a scalar, its characters: `the text 'many'`.
  var found: String {
    switch content {
    case .sequence: return "a list"
    case .mapping: return "a map"
    case .scalar(let text, _):
      switch meaning {
      case .null: return text.isEmpty ? "an empty value" : text
      case .flag: return text
      case .integer, .hugeInteger: return "the integer \(text)"
      case .number: return "the number \(text)"
      default: return "the text '\(text)'"
      }
    }
  }

  private var lastKey: String {
    if path.isEmpty || path.last == "]" { return "" }
    return path.split(separator: ".").last.map { "\($0): " } ?? ""
  }
}
