import Configuration
import Glibc
import Pictures
import Testing

@testable import Experiments

/// Names that mean something in some format.
let awkwardNames = [
  "plain", "a,b", "e, \"f\"", "c|d", "x^2 ~ {y}", "100% & $5 #1_a", "back\\slash", "pipe\\|pipe", "+x", "@x", "'x",
  "trail ",
  "字 ü", "[x]", "*", "*a*", "<b>&lt;", "a--b", "''q``", "1. x", "#x", "`c`", "_a_", "a_b", "~~a~~", "a  b", "(c)",
  "12) y",
  "a,", ",a", "\"", "\"a\"", "{", "}}", "!\"#$%&'()*+,-.:;<>?@[\\]^_`{|}~",
]

/// What was written in a format is read by a small reader of that format, which knows nothing of the writer.
struct EscapingTests {
  private let awkward =
    awkwardNames + ["=1+1", "-1", "a=b", "a\nb", "a\r\nb", "\t", "\u{1B}[31m", "\u{202E}x", "a\u{0}b", "\u{9B}K"]

  /// LaTeX: commands of one sign or a name with `{}`, groups, no sign that means something else.
  private func set(_ text: String) -> String? {
    let names = [
      "textbackslash": "\\", "textasciicircum": "^", "textasciitilde": "~", "textless": "<", "textgreater": ">",
      "textbar": "|",
    ]
    var (result, rest) = ("", text[...])
    while let character = rest.popFirst() {
      switch character {
      case "\\":
        guard let next = rest.first else { return nil }
        if "{}$&%#_".contains(next) {
          result.append(rest.removeFirst())
        } else {
          let name = rest.prefix { $0.isLetter }
          guard let sign = names[String(name)], rest.dropFirst(name.count).hasPrefix("{}") else { return nil }
          result += sign
          rest = rest.dropFirst(name.count + 2)
        }
      case "{", "}": continue
      case "$", "&", "%", "#", "_", "^", "~", "<", ">", "|", "\n", "\r": return nil
      default: result.append(character)
      }
    }
    return result
  }

  @Test func latexSetsEveryTextAsItIs() {
    for text in awkward {
      let latex = Escaping.latex(text)
      #expect(set(latex) == Escaping.line(text), "\(latex)")
      // After the end of a line, a star or a bracket would be read as its argument.
      #expect(!latex.hasPrefix("[") && !latex.hasPrefix("*") && !latex.contains("--"), "\(latex)")
      #expect(!Escaping.latexComment(text).contains { $0.isNewline }, "\(text)")
    }
  }

  /// CommonMark: a backslash before punctuation stands for that sign; `&#32;` is a space.
  private func shown(_ text: String) -> String? {
    var (result, rest) = ("", text[...])
    while let character = rest.popFirst() {
      if character == "\\", let next = rest.first, next.isASCII, next.isPunctuation || next.isSymbol {
        result.append(rest.removeFirst())
      } else if character == "&" {
        guard rest.hasPrefix("#32;") else { return nil }
        result += " "
        rest = rest.dropFirst(4)
      } else if "|`*<>[]~\n\r".contains(character) {
        return nil
      } else {
        result.append(character)
      }
    }
    return result
  }

  @Test func markdownShowsEveryTextAsItIs() {
    for text in awkward {
      let markdown = Escaping.markdown(text)
      #expect(shown(markdown) == Escaping.line(text), "\(markdown)")
      for start in ["#", "+", "-", "=", "1.", "12)", " "] { #expect(!markdown.hasPrefix(start), "\(markdown)") }
    }
    #expect(Escaping.markdown("count_accuracy") == "count_accuracy" && Escaping.markdown("_a_") == "\\_a\\_")
  }

  @Test func nothingThatSteersATerminalIsWrittenRaw() {
    let codes =
      (0...0x1F).map { UInt32($0) } + Array(0x7F...0x9F) + [0x61C, 0x200E, 0x200F] + Array(0x2028...0x202E)
      + Array(0x2066...0x2069)
    for code in codes {
      guard let scalar = Unicode.Scalar(code) else { continue }
      let text = "a\(Character(scalar))b"
      #expect(Escaping.line(text).allSatisfy { $0.isASCII && !$0.isNewline && $0 != "\t" }, "\(code)")
      #expect(Escaping.terminal(text).unicodeScalars.contains(scalar) == (code == 0x0A || code == 0x09), "\(code)")
    }
    #expect(Escaping.line("a\u{1B}[31m\u{202E}\n") == "a\\u{1B}[31m\\u{202E}\\n")
    #expect(Escaping.terminal("ä字🇩🇪 \u{301}\n\tx") == "ä字🇩🇪 \u{301}\n\tx")
    let table = TextTable(["a\u{1B}"], [["b\u{7}\nc"]], alignRight: [false]).description
    #expect(table == "a\\u{1B}\nb\\u{7}\\nc\n")
  }

  @Test func messagesReachATerminalWithoutCodesOfOthers() throws {
    let folder = try TemporaryFolder()
    let outcome = try Program.run(["config", "check", "no\u{1B}[31m\u{9B}\u{202E}.yaml"], in: folder.path)
    #expect(
      outcome.status == 2 && outcome.messages.contains("no\\u{1B}[31m\\u{9B}\\u{202E}.yaml"), "\(outcome.messages)")
    #expect(!outcome.messages.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{9B}" || $0 == "\u{202E}" })
  }
}
