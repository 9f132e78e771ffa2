/// The meaning of a plain scalar under the YAML 1.2 core schema (yaml.org/spec/1.2.2, section 10.3.2).
/// `no`, `on` and `1:30` are text; `1e-4` is a number.
public enum YAMLScalar: Sendable, Hashable {
  case null
  case flag(Bool)
  case integer(Int)
  /// An integer that does not fit into 64 bits.
  case hugeInteger(String)
  case number(Double)
  case text(String)

  /// Reads an unquoted scalar.
  public init(plain text: String) {
    switch text {
    case "", "~", "null", "Null", "NULL": self = .null
    case "true", "True", "TRUE": self = .flag(true)
    case "false", "False", "FALSE": self = .flag(false)
    case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": self = .number(.infinity)
    case "-.inf", "-.Inf", "-.INF": self = .number(-.infinity)
    case ".nan", ".NaN", ".NAN": self = .number(.nan)
    default: self = Self.integer(text) ?? Self.number(text) ?? .text(text)
    }
  }

  /// `[-+]?[0-9]+`, `0o[0-7]+` or `0x[0-9a-fA-F]+`.
  private static func integer(_ text: String) -> YAMLScalar? {
    let bytes = text.utf8
    if text.hasPrefix("0o") || text.hasPrefix("0x") {
      let radix = text.hasPrefix("0o") ? 8 : 16
      let digits = bytes.dropFirst(2)
      guard !digits.isEmpty, digits.allSatisfy({ value(of: $0) < radix }) else { return nil }
      return Int(text.dropFirst(2), radix: radix).map(YAMLScalar.integer) ?? .hugeInteger(text)
    }
    let digits = withoutSign(bytes)
    guard !digits.isEmpty, digits.allSatisfy({ value(of: $0) < 10 }) else { return nil }
    return Int(text).map(YAMLScalar.integer) ?? .hugeInteger(text)
  }

  /// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
  private static func number(_ text: String) -> YAMLScalar? {
    var rest = withoutSign(text.utf8)
    let whole = rest.prefix { value(of: $0) < 10 }.count
    rest = rest.dropFirst(whole)
    var fraction = 0
    if rest.first == UInt8(ascii: ".") {
      rest = rest.dropFirst()
      fraction = rest.prefix { value(of: $0) < 10 }.count
      rest = rest.dropFirst(fraction)
    }
    guard whole + fraction > 0 else { return nil }
    if let mark = rest.first {
      guard mark == UInt8(ascii: "e") || mark == UInt8(ascii: "E") else { return nil }
      let digits = withoutSign(rest.dropFirst())
      guard !digits.isEmpty, digits.allSatisfy({ value(of: $0) < 10 }) else { return nil }
    }
    return Double(text).map(YAMLScalar.number)
  }

  private static func withoutSign(_ bytes: some Collection<UInt8>) -> ArraySlice<UInt8> {
    let array = Array(bytes)[...]
    return array.first == UInt8(ascii: "-") || array.first == UInt8(ascii: "+") ? array.dropFirst() : array
  }

  private static func value(of byte: UInt8) -> Int {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte - UInt8(ascii: "A")) + 10
    default: .max
    }
  }

  /// The shortest text that reads back as the same number.
  static func text(of number: Double) -> String {
    if number.isNaN { return ".nan" }
    if number.isInfinite { return number < 0 ? "-.inf" : ".inf" }
    return number.description
  }
}
