/// A JSON value whose objects keep the order of their members.
public enum JSON: Sendable, Hashable {
  /// One member of an object.
  public struct Member: Sendable, Hashable {
    public var key: String
    public var value: JSON

    public init(_ key: String, _ value: JSON) {
      self.key = key
      self.value = value
    }
  }

  case null
  case flag(Bool)
  case integer(Int)
  /// A number. JSON has no infinities and no NaN: they are written as null.
  case number(Double)
  case text(String)
  case list([JSON])
  case object([Member])

  /// The value of an object's member. Setting nil removes the member; setting a new key appends one.
  public subscript(key: String) -> JSON? {
    get {
      guard case .object(let members) = self else { return nil }
      return members.first { $0.key == key }?.value
    }
    set {
      guard case .object(var members) = self else { return }
      let index = members.firstIndex { $0.key == key }
      switch (index, newValue) {
      case (let index?, let value?): members[index].value = value
      case (let index?, nil): members.remove(at: index)
      case (nil, let value?): members.append(Member(key, value))
      case (nil, nil): break
      }
      self = .object(members)
    }
  }
}

extension JSON {
  /// All values in nested objects that are not themselves nonempty objects, with their dotted keys.
  public var leaves: [(key: String, value: JSON)] {
    var found: [(key: String, value: JSON)] = []
    collect(at: "", into: &found)
    return found
  }

  private func collect(at path: String, into found: inout [(key: String, value: JSON)]) {
    guard case .object(let members) = self, path.isEmpty || !members.isEmpty else { return found.append((path, self)) }
    for member in members {
      member.value.collect(at: path.isEmpty ? member.key : "\(path).\(member.key)", into: &found)
    }
  }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  public init(stringLiteral value: String) { self = .text(value) }
  public init(integerLiteral value: Int) { self = .integer(value) }
  public init(floatLiteral value: Double) { self = .number(value) }
  public init(booleanLiteral value: Bool) { self = .flag(value) }
  public init(arrayLiteral elements: JSON...) { self = .list(elements) }
  public init(dictionaryLiteral elements: (String, JSON)...) {
    self = .object(elements.map { Member($0.0, $0.1) })
  }
}

extension JSON: CustomStringConvertible {
  /// The value, indented by two spaces; lists without nested lists or objects are on one line.
  public var description: String {
    var text = ""
    write(to: &text, indentation: "")
    return text
  }

  private func write(to text: inout String, indentation: String) {
    switch self {
    case .null: text += "null"
    case .flag(let value): text += value ? "true" : "false"
    case .integer(let value): text += String(value)
    case .number(let value): text += value.isFinite ? value.description : "null"
    case .text(let value): text += Self.quoted(value)
    case .list(let elements):
      Self.write(elements, brackets: ("[", "]"), inline: elements.allSatisfy(\.isPlain), &text, indentation) {
        $0.write(to: &$1, indentation: $2)
      }
    case .object(let members):
      Self.write(members, brackets: ("{", "}"), inline: members.isEmpty, &text, indentation) {
        $1 += Self.quoted($0.key) + ": "
        $0.value.write(to: &$1, indentation: $2)
      }
    }
  }

  private var isPlain: Bool {
    switch self {
    case .list, .object: false
    default: true
    }
  }

  private static func write<Element>(
    _ elements: [Element], brackets: (String, String), inline: Bool, _ text: inout String, _ indentation: String,
    element write: (Element, inout String, String) -> Void
  ) {
    let inner = indentation + "  "
    text += brackets.0
    for (index, element) in elements.enumerated() {
      if index > 0 { text += inline ? ", " : "," }
      if !inline { text += "\n" + inner }
      write(element, &text, inner)
    }
    if !inline { text += "\n" + indentation }
    text += brackets.1
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F: result += "\\u" + hexadecimal(scalar.value)
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

/// Four or more hexadecimal digits.
func hexadecimal(_ value: UInt32) -> String {
  let digits = String(value, radix: 16, uppercase: true)
  return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
}
