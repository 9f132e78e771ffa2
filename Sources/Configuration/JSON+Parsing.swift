extension JSON {
  /// The reason why a text is not valid JSON.
  public struct ParseError: Error, CustomStringConvertible {
    let at: Int
    let what: String
    public var description: String { "\(what) at byte \(at)" }
  }

  /// Parses a text that is a single JSON value. Throws `ParseError`, also for nesting deeper than 64 levels.
  public init(parsing bytes: some Collection<UInt8>) throws {
    var parser = Parser(bytes: Array(bytes))
    self = try parser.document()
  }

  private struct Parser {
    let bytes: [UInt8]
    var at = 0

    mutating func document() throws -> JSON {
      let value = try value(depth: 0)
      skipSpace()
      guard at == bytes.count else { throw fault("something follows the value") }
      return value
    }

    private func fault(_ what: String) -> ParseError { ParseError(at: at, what: what) }

    private mutating func skipSpace() {
      while at < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[at]) { at += 1 }
    }

    private mutating func take(_ text: StaticString, _ value: JSON) throws -> JSON {
      let wanted = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
      guard bytes[at...].starts(with: wanted) else { throw fault("no value") }
      at += wanted.count
      return value
    }

    private mutating func value(depth: Int) throws -> JSON {
      guard depth < 64 else { throw fault("nesting is too deep") }
      skipSpace()
      guard at < bytes.count else { throw fault("the text ends") }
      switch bytes[at] {
      case UInt8(ascii: "{"): return try object(depth)
      case UInt8(ascii: "["): return try array(depth)
      case UInt8(ascii: "\""): return .text(try string())
      case UInt8(ascii: "t"): return try take("true", true)
      case UInt8(ascii: "f"): return try take("false", false)
      case UInt8(ascii: "n"): return try take("null", .null)
      default: return try number()
      }
    }

    private mutating func next(after close: UInt8) throws -> Bool {
      skipSpace()
      guard at < bytes.count else { throw fault("the text ends") }
      defer { at += 1 }
      if bytes[at] == close { return false }
      guard bytes[at] == UInt8(ascii: ",") else { throw fault("a comma is missing") }
      return true
    }

    private mutating func object(_ depth: Int) throws -> JSON {
      at += 1
      skipSpace()
      if at < bytes.count, bytes[at] == UInt8(ascii: "}") {
        at += 1
        return .object([])
      }
      var members: [Member] = []
      repeat {
        skipSpace()
        let key = try string()
        skipSpace()
        guard at < bytes.count, bytes[at] == UInt8(ascii: ":") else { throw fault("a colon is missing") }
        at += 1
        members.append(Member(key, try value(depth: depth + 1)))
      } while try next(after: UInt8(ascii: "}"))
      return .object(members)
    }

    private mutating func array(_ depth: Int) throws -> JSON {
      at += 1
      skipSpace()
      if at < bytes.count, bytes[at] == UInt8(ascii: "]") {
        at += 1
        return .list([])
      }
      var values: [JSON] = []
      repeat { values.append(try value(depth: depth + 1)) } while try next(after: UInt8(ascii: "]"))
      return .list(values)
    }

    private mutating func string() throws -> String {
      guard take(UInt8(ascii: "\"")) else { throw fault("a string is missing") }
      var out: [UInt8] = []
      while at < bytes.count {
        let byte = bytes[at]
        guard byte >= 0x20 else { throw fault("a control character in a string") }
        at += 1
        if byte == UInt8(ascii: "\"") {
          guard let text = String(validating: out, as: UTF8.self) else { throw fault("text is not UTF-8") }
          return text
        }
        guard byte == UInt8(ascii: "\\") else {
          out.append(byte)
          continue
        }
        out += try Array(String(escape()).utf8)
      }
      throw fault("a string does not end")
    }

    private mutating func escape() throws -> Unicode.Scalar {
      guard at < bytes.count else { throw fault("the text ends") }
      let byte = bytes[at]
      at += 1
      switch byte {
      case UInt8(ascii: "n"): return "\n"
      case UInt8(ascii: "t"): return "\t"
      case UInt8(ascii: "r"): return "\r"
      case UInt8(ascii: "b"): return "\u{8}"
      case UInt8(ascii: "f"): return "\u{c}"
      case UInt8(ascii: "u"): return try codePoint()
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
      default: throw fault("an unknown escape")
      }
    }

    /// Reads what follows `\u`: a scalar or a surrogate pair. An unpaired surrogate becomes U+FFFD.
    private mutating func codePoint() throws -> Unicode.Scalar {
      let first = try codeUnit()
      let end = at
      if (0xD800...0xDBFF).contains(first), take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) {
        let second = try codeUnit()
        if (0xDC00...0xDFFF).contains(second) {
          return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)) ?? "\u{FFFD}"
        }
      }
      at = end
      return Unicode.Scalar(first) ?? "\u{FFFD}"
    }

    private mutating func codeUnit() throws -> UInt32 {
      let digits = bytes[at...].prefix(4).compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
      guard digits.count == 4 else { throw fault("a \\u needs four hexadecimal digits") }
      at += 4
      return digits.reduce(0) { $0 << 4 | UInt32($1) }
    }

    private mutating func number() throws -> JSON {
      let start = at
      _ = take(UInt8(ascii: "-"))
      // A leading zero must not be followed by another digit.
      guard take(UInt8(ascii: "0")) || digits() else { throw fault("no value") }
      if take(UInt8(ascii: ".")), !digits() { throw fault("a digit is missing") }
      if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
        _ = take(UInt8(ascii: "+")) || take(UInt8(ascii: "-"))
        guard digits() else { throw fault("a digit is missing") }
      }
      let text = String(decoding: bytes[start..<at], as: UTF8.self)
      if let integer = Int(text) { return .integer(integer) }
      guard let value = Double(text), value.isFinite else { throw fault("a number is too large") }
      return .number(value)
    }

    /// Consumes `byte` if it is next.
    private mutating func take(_ byte: UInt8) -> Bool {
      guard at < bytes.count, bytes[at] == byte else { return false }
      at += 1
      return true
    }

    /// Consumes digits; false if there are none.
    private mutating func digits() -> Bool {
      let start = at
      while at < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[at]) { at += 1 }
      return at > start
    }
  }
}

extension JSON {
  /// The value on one line, for files with one value per line.
  public var line: String {
    switch self {
    case .list(let elements): "[" + elements.map(\.line).joined(separator: ", ") + "]"
    case .object(let members):
      "{" + members.map { "\(JSON.text($0.key).line): \($0.value.line)" }.joined(separator: ", ") + "}"
    default: description
    }
  }

  /// The value as a double, if it is an integer or a number.
  public var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  public var string: String? {
    guard case .text(let value) = self else { return nil }
    return value
  }

  /// The value as integers, if it is a list of integers.
  public var integers: [Int]? {
    guard case .list(let elements) = self else { return nil }
    let integers = elements.compactMap { element -> Int? in
      guard case .integer(let value) = element else { return nil }
      return value
    }
    return integers.count == elements.count ? integers : nil
  }
}
