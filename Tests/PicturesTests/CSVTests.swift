import Testing

@testable import Pictures

struct CSVTests {
  private static let texts = [
    "", "a", "a,b", "e, \"f\"", "\"", "\"\"", "c|d", "x^2 ~ {y}", " a", "a ", "a\nb", "a\r\nb", "\r", "\n", "\t",
    "ä字\u{301}",
    "\u{FEFF}a", "=1+1", "'=1+1", "''=1+1", "'", "'a", "''", "-1", "+2.5e-3", "-", "-a", "@x", "\tx", "-inf", "+",
    "'-1", "#",
    "=HYPERLINK(\"x\",\"y\")", "\u{FF1D}1", "a\u{1B}[31m", "🇩🇪", "\"=1\"", "'\"=1", ",", "\r\n", "-nan(x)",
  ]

  @Test func whatIsWrittenReadsBackExactly() throws {
    for text in Self.texts {
      for row in [[text], [text, text], ["x", text], [text, "x"]] {
        let table = CSV([row, ["end"]])
        let again = try CSV(parsing: table.bytes, name: "t.csv")
        #expect(
          again.rows.map { $0.fields.map { Array($0.utf8) } } == [row, ["end"]].map { $0.map { Array($0.utf8) } })
      }
    }
    #expect(try CSV(parsing: CSV([Self.texts]).bytes, name: "t.csv").rows.map(\.fields) == [Self.texts])
  }

  @Test func randomTextsReadBackExactlyWithAnyEndOfLine() throws {
    var generator = SplitMix(state: 19)
    let pieces: [Unicode.Scalar] = [
      ",", "\"", "\n", "\r", "'", "=", "+", "-", "@", "\t", " ", "a", "1", "\u{FEFF}", "字",
    ]
    for _ in 0..<2000 {
      let rows = (0..<Int.random(in: 1...3, using: &generator)).map { _ in
        (0..<Int.random(in: 1...3, using: &generator)).map { _ in
          var text = String.UnicodeScalarView()
          for _ in 0..<Int.random(in: 0...4, using: &generator) {
            text.append(pieces[Int.random(in: 0..<pieces.count, using: &generator)])
          }
          return String(text)
        }
      }
      for end in ["\n", "\r\n", "\r"] {
        let text = rows.map { CSV.record($0) + end }.joined()
        let read = try CSV(parsing: [0xEF, 0xBB, 0xBF] + Array(text.utf8), name: "t.csv").rows.map(\.fields)
        // Swift would treat texts that differ only in their Unicode normalization as equal.
        #expect(read.map { $0.map { Array($0.utf8) } } == rows.map { $0.map { Array($0.utf8) } }, "\(rows)")
      }
    }
  }

  @Test func noFieldIsAFormulaForASpreadsheet() {
    for text in Self.texts where Double(text) == nil {
      let field = CSV.record([text])
      let inner = field.hasPrefix("\"") ? field.unicodeScalars.dropFirst().first : field.unicodeScalars.first
      #expect(inner.map { !"=+-@\t\r\n\u{FF1D}".unicodeScalars.contains($0) } ?? true, "\(field)")
    }
    #expect(CSV.record(["-1", "+2.5e-3", "-inf", "=1", "-a"]) == "-1,+2.5e-3,-inf,'=1,'-a")
  }

  @Test func rowsKnowTheLineTheyStartOn() throws {
    let text = "a,b\r\n\r\n\"c\r\nd\",e\n\n\nf,g"
    let rows = try CSV(parsing: Array(text.utf8), name: "t.csv").rows
    #expect(rows.map(\.line) == [1, 3, 7] && rows.map(\.fields) == [["a", "b"], ["c\r\nd", "e"], ["f", "g"]])
  }

  @Test(arguments: [
    ("a\n\"b,c", "t.csv:2: has a quote that does not end"),
    ("a\nb\"c\"", "t.csv:2: has a field of which quotes are only"),
    ("\"a\"b", "t.csv:1: has a field of which quotes are only a part"), ("a,\"b\" ,c", "t.csv:1: has a field of which"),
    ("a\n\u{0}", nil),
  ])
  func quotesThatCouldMeanTwoThingsAreRefused(text: String, problem: String?) {
    let words = complaint { _ = try CSV(parsing: Array(text.utf8), name: "t.csv") }
    #expect(words.hasPrefix(problem ?? "") && words.isEmpty == (problem == nil), "\(words)")
  }

  @Test func bytesThatAreNoTextAreRefusedWithTheirLine() {
    let words = complaint { _ = try CSV(parsing: Array("a\n".utf8) + [0xE4, 0x2C, 0x41], name: "t.csv") }
    #expect(words.hasPrefix("t.csv:2: is not UTF-8 text"), "\(words)")
  }

  @Test func aRecordIsReadAsItIs() {
    #expect(CSV.fields(ofRecord: "a,\"b,c\",\"d \"\"e\"\"\"") == ["a", "b,c", "d \"e\""])
    #expect(CSV.fields(ofRecord: "e, \"f\",c|d") == nil && CSV.fields(ofRecord: "a\nb") == nil)
  }
}

private func complaint(of work: () throws -> Void) -> String {
  do { try work() } catch { return "\(error)" }
  return ""
}
