/// Texts from outside (names, paths, reasons) as parts of what is written: one function for each format.
///
/// CSV has its own in `CSV`, JSON in `JSON`, YAML in `ConfigurationFile`.
public enum Escaping {
  /// A text for a terminal: what would steer it, hide or turn text around is shown as an escape (`\u{1B}`). Line breaks and
  /// tabs stay.
  public static func terminal(_ text: String) -> String {
    escaped(text) { scalar in scalar == "\n" || scalar == "\t" ? nil : visible(scalar) }
  }

  /// As `terminal`, in one line: line breaks (`\n`) and tabs (`\t`) are shown, too.
  public static func line(_ text: String) -> String { escaped(text, visible) }

  /// A text in a line or a table's cell of Markdown (CommonMark, GitHub's tables): it shows as it is.
  static func markdown(_ text: String) -> String {
    let characters = Array(line(text))
    var result = ""
    for (index, character) in characters.enumerated() {
      let isEnd = index == 0 || index == characters.count - 1
      switch character {
      // Between letters an underscore does not emphasize.
      case "_" where !isEnd && isWord(characters[index - 1]) && isWord(characters[index + 1]): result += "_"
      case "\\", "|", "`", "*", "_", "<", ">", "&", "[", "]", "~", "$": result += "\\\(character)"
      // At the start of a line these begin a heading, a list or a rule.
      case "#", "+", "-", "=", ":": result += index == 0 ? "\\\(character)" : "\(character)"
      case ".", ")":
        result += characters[..<index].allSatisfy(\.isNumber) && index > 0 ? "\\\(character)" : "\(character)"
      case " " where isEnd: result += "&#32;"
      default: result.append(character)
      }
    }
    return result
  }

  /// A text in LaTeX's paragraphs and tables: it is set as it is.
  static func latex(_ text: String) -> String {
    var result = ""
    var before: Character?
    for character in line(text) {
      switch character {
      case "\\": result += "\\textbackslash{}"
      case "^": result += "\\textasciicircum{}"
      case "~": result += "\\textasciitilde{}"
      case "<": result += "\\textless{}"
      case ">": result += "\\textgreater{}"
      case "|": result += "\\textbar{}"
      case "{", "}", "$", "&", "%", "#", "_": result += "\\\(character)"
      // After the end of a table's line these would belong to it.
      case "[", "*": result += before == nil ? "{\(character)}" : "\(character)"
      // Two would become a dash or a quotation mark.
      case "-", "'", "`", ",": result += before == character ? "{}\(character)" : "\(character)"
      // At an end, or after another one, a space would be left out.
      case " ": result += before == nil || before == " " ? "{} " : " "
      default: result.append(character)
      }
      before = character
    }
    return before == " " ? result + "{}" : result
  }

  /// A text behind the `%` of a comment in LaTeX, which ends with the line.
  static func latexComment(_ text: String) -> String { line(text) }

  private static func isWord(_ character: Character) -> Bool { character.isLetter || character.isNumber }

  /// An escape for what does not show as itself; nil for what does.
  private static func visible(_ scalar: Unicode.Scalar) -> String? {
    switch scalar {
    case "\n": return "\\n"
    case "\t": return "\\t"
    case "\r": return "\\r"
    // Marks and overrides of the direction of text, ends of lines and of paragraphs.
    case "\u{61C}", "\u{200E}", "\u{200F}", "\u{2028}"..."\u{202E}", "\u{2066}"..."\u{2069}": break
    default: if scalar.properties.generalCategory != .control { return nil }
    }
    return "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
  }

  private static func escaped(_ text: String, _ escape: (Unicode.Scalar) -> String?) -> String {
    guard text.unicodeScalars.contains(where: { escape($0) != nil }) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      if let words = escape(scalar) { result += words } else { result.unicodeScalars.append(scalar) }
    }
    return result
  }
}
