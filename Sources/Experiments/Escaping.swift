/// Escapes external texts (names, paths, reasons) for output, with one function per format.
///
/// CSV is escaped in `CSV`, JSON in `JSON`, and YAML in `ConfigurationFile`.
public enum Escaping {
  /// A text for a terminal. Characters that would control the terminal, hide text or reverse its direction are shown as
  /// escapes (`\u{1B}`). Line breaks and tabs stay.
  public static func terminal(_ text: String) -> String {
    escaped(text) { scalar in scalar == "\n" || scalar == "\t" ? nil : visible(scalar) }
  }

  /// Like `terminal`, but on one line: line breaks (`\n`) and tabs (`\t`) are escaped, too.
  public static func line(_ text: String) -> String { escaped(text, visible) }

  /// A text for a line or a table cell of Markdown (CommonMark, GitHub's tables), which renders as the original text.
  static func markdown(_ text: String) -> String {
    let characters = Array(line(text))
    var result = ""
    for (index, character) in characters.enumerated() {
      let isEnd = index == 0 || index == characters.count - 1
      switch character {
      // An underscore between letters does not start emphasis.
      case "_" where !isEnd && isWord(characters[index - 1]) && isWord(characters[index + 1]): result += "_"
      case "\\", "|", "`", "*", "_", "<", ">", "&", "[", "]", "~", "$": result += "\\\(character)"
      // At the start of a line these characters begin a heading, a list or a rule.
      case "#", "+", "-", "=", ":": result += index == 0 ? "\\\(character)" : "\(character)"
      case ".", ")":
        result += characters[..<index].allSatisfy(\.isNumber) && index > 0 ? "\\\(character)" : "\(character)"
      case " " where isEnd: result += "&#32;"
      default: result.append(character)
      }
    }
    return result
  }

  /// A text for paragraphs and tables of LaTeX, which is typeset as the original text.
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
      // After the end of a table row, LaTeX would read these as an argument of `\\`.
      case "[", "*": result += before == nil ? "{\(character)}" : "\(character)"
      // Two of these in a row would become a dash or a quotation mark.
      case "-", "'", "`", ",": result += before == character ? "{}\(character)" : "\(character)"
      // LaTeX omits a space at an end or after another space.
      case " ": result += before == nil || before == " " ? "{} " : " "
      default: result.append(character)
      }
      before = character
    }
    return before == " " ? result + "{}" : result
  }

  /// A text after the `%` of a LaTeX comment, which ends with the line.
  static func latexComment(_ text: String) -> String { line(text) }

  private static func isWord(_ character: Character) -> Bool { character.isLetter || character.isNumber }

  /// The escape for a character that is not visible; nil for a visible one.
  private static func visible(_ scalar: Unicode.Scalar) -> String? {
    switch scalar {
    case "\n": return "\\n"
    case "\t": return "\\t"
    case "\r": return "\\r"
    // Direction marks and overrides, and line and paragraph separators.
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
