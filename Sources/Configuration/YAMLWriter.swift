/// Writes trees as YAML that is read back as the same values.
enum YAMLWriter {
  /// Writes maps as blocks and lists of scalars on one line.
  static func block(_ node: YAMLNode) -> String {
    var text = ""
    write(node, indentation: "", to: &text)
    return text
  }

  /// Writes the whole tree on one line.
  static func flow(_ node: YAMLNode) -> String {
    switch node.content {
    case .scalar: scalar(node)
    case .sequence(let elements): "[" + elements.map(flow).joined(separator: ", ") + "]"
    case .mapping(let entries) where entries.isEmpty: "{}"
    case .mapping(let entries):
      "{ " + entries.map { "\(key($0.key)): \(flow($0.value))" }.joined(separator: ", ") + " }"
    }
  }

  /// Writes the tree on one line; if it is a map, only its first key.
  static func sketch(_ node: YAMLNode) -> String {
    guard let first = node.entries?.first else { return flow(node) }
    return "{ \(key(first.key)): \(flow(first.value)) }"
  }

  private static func write(_ node: YAMLNode, indentation: String, to text: inout String) {
    switch node.content {
    case .scalar: text += indentation + scalar(node) + "\n"
    case .sequence(let elements):
      if isOneLine(node) {
        text += indentation + flow(node) + "\n"
      } else {
        for element in elements {
          // The first line of the element follows the dash.
          var item = ""
          write(element, indentation: indentation + "  ", to: &item)
          text += indentation + "- " + item.dropFirst(indentation.count + 2)
        }
      }
    case .mapping(let entries):
      if entries.isEmpty { text += indentation + "{}\n" }
      for entry in entries {
        text += indentation + key(entry.key) + ":"
        if isOneLine(entry.value) {
          text += " " + flow(entry.value) + "\n"
        } else {
          text += "\n"
          write(entry.value, indentation: indentation + "  ", to: &text)
        }
      }
    }
  }

  private static func isOneLine(_ node: YAMLNode) -> Bool {
    switch node.content {
    case .scalar: true
    case .sequence(let elements): elements.allSatisfy { $0.entries == nil && isOneLine($0) }
    case .mapping(let entries): entries.isEmpty
    }
  }

  private static func scalar(_ node: YAMLNode) -> String {
    guard case .text(let text)? = node.meaning else { return node.scalar ?? "" }
    return isPlainSafe(text) ? text : quoted(text)
  }

  private static func key(_ key: String) -> String {
    isPlainSafe(key) || !key.isEmpty && key.utf8.allSatisfy { (0x30...0x39).contains($0) } ? key : quoted(key)
  }

  /// Whether text can be written without quotes, in blocks and on one line.
  private static func isPlainSafe(_ text: String) -> Bool {
    guard let first = text.utf8.first, text.utf8.last != UInt8(ascii: " "), !text.hasPrefix("...") else { return false }
    let isWord = { (byte: UInt8) in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "/"):
        true
      default: false
      }
    }
    let isInner = { isWord($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: " ") }
    return isWord(first) && text.utf8.allSatisfy(isInner) && YAMLScalar(plain: text) == .text(text)
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for character in text.unicodeScalars {
      switch character.value {
      case 0x22: result += "\\\""
      case 0x5C: result += "\\\\"
      case 0x0A: result += "\\n"
      case 0x09: result += "\\t"
      case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF: result += "\\u" + hexadecimal(character.value)
      default: result.unicodeScalars.append(character)
      }
    }
    return result + "\""
  }
}
