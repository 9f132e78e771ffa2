import Testing

@testable import Configuration

struct JSONParsingTests {
  private func parse(_ text: String) throws -> JSON { try JSON(parsing: text.utf8) }

  @Test func everyKindOfValueIsRead() throws {
    #expect(try parse(" null ") == .null)
    #expect(try parse("true") == true && parse("false") == false)
    #expect(try parse("[]") == [] && parse("{}") == .object([]))
    #expect(
      try parse(" { \"a\" : [ 1 , \"x\" , { } ] ,\r\n\t\"b\" : null } ") == ["a": [1, "x", .object([])], "b": .null])
    #expect(try parse("\"\"") == "")
  }

  @Test func wholeNumbersStayWholeAndOthersAreExact() throws {
    #expect(try parse("0") == 0 && parse("-12") == -12)
    #expect(try parse("9223372036854775807") == .integer(.max) && parse("-9223372036854775808") == .integer(.min))
    #expect(try parse("9223372036854775808") == .number(9_223_372_036_854_775_808))
    #expect(try parse("0.1") == 0.1 && parse("-1.5e-3") == -0.0015 && parse("1E+2") == .number(100))
    #expect(try parse("4.9406564584124654e-324") == .number(.leastNonzeroMagnitude))
    #expect(try parse("1.7976931348623157e308") == .number(.greatestFiniteMagnitude))
    #expect(throws: JSON.ParseError.self) { try parse("1e309") }
  }

  @Test(arguments: [
    "+1", "01", "-01", "1.", ".5", "1e", "1e+", "-", "0x10", "1_000", "Infinity", "NaN", "--1", "1.2.3", "1e5e5", "-+1",
  ])
  func whatIsNoNumberOfJSONIsRefused(_ text: String) {
    #expect(throws: JSON.ParseError.self) { try parse(text) }
    #expect(throws: JSON.ParseError.self) { try parse("[\(text)]") }
  }

  @Test func escapesStandForTheirCharacters() throws {
    #expect(try parse(#""\"\\\/\b\f\n\r\t""#) == .text("\"\\/\u{8}\u{c}\n\r\t"))
    #expect(try parse(#""\u0041\u00e9\u20AC\u0000""#) == .text("A\u{e9}\u{20AC}\u{0}"))
    #expect(try parse("\"\u{e9}\u{1F600}\"") == .text("\u{e9}\u{1F600}"))
  }

  @Test func surrogatesJoinAndLoneOnesAreReplaced() throws {
    #expect(try parse(#""\ud83d\ude00!""#) == .text("\u{1F600}!"))
    #expect(try parse(#""\uDBFF\uDFFF""#) == .text("\u{10FFFF}"))
    #expect(try parse(#""\ud83d!""#) == .text("\u{FFFD}!"))
    #expect(try parse(#""\ude00""#) == .text("\u{FFFD}"))
    #expect(try parse(#""\ud83d\u0041""#) == .text("\u{FFFD}A"))
    #expect(try parse(#""\ud83d\ud83d\ude00""#) == .text("\u{FFFD}\u{1F600}"))
    #expect(try parse(#""\ud83d\n""#) == .text("\u{FFFD}\n"))
  }

  @Test(arguments: [
    #""\x""#, #""\'""#, #""\u12""#, #""\u12g4""#, #""\u+123""#, #""\U0041""#, #""\""#, #""\u00"#, #""\"#,
    #""\ud83d\u12""#,
    "\"a\nb\"", "\"a\tb\"", "\"\u{1}\"", "'a'", "\"a",
  ])
  func whatIsNoStringOfJSONIsRefused(_ text: String) {
    #expect(throws: JSON.ParseError.self) { try parse(text) }
  }

  @Test func textThatIsNotUTF8IsRefused() {
    for bytes in [[0xFF], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80]] as [[UInt8]] {
      #expect(throws: JSON.ParseError.self) { try JSON(parsing: [0x22] + bytes + [0x22]) }
    }
  }

  @Test(arguments: [
    "", " ", "{", "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,}", "{a:1}",
    "{1:1}",
    "{\"a\" 1}", "1 2", "{}}", "nul", "tru", "True", "nulll", "// x", "\u{FEFF}{}", "{\"a\":1]", "[1}",
  ])
  func whatIsNoDocumentIsRefused(_ text: String) {
    #expect(throws: JSON.ParseError.self) { try parse(text) }
  }

  @Test func nestingEndsAtALimitInsteadOfTheStack() throws {
    func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
    #expect(try parse(nested(64)).line == nested(64))
    #expect(throws: JSON.ParseError.self) { try parse(nested(65)) }
    #expect(throws: JSON.ParseError.self) { try parse(String(repeating: "[", count: 1_000_000)) }
    #expect(throws: JSON.ParseError.self) { try parse(String(repeating: "{\"a\":", count: 1_000_000)) }
    // Values next to each other do not count as nesting.
    #expect(try parse("[" + String(repeating: "[],", count: 1000) + "[]]") == .list(Array(repeating: [], count: 1001)))
  }

  @Test func anErrorSaysWhereItIs() {
    let error = #expect(throws: JSON.ParseError.self) { try parse("[1, x]") }
    #expect(error?.description == "no value at byte 4")
  }

  @Test func whatIsWrittenIsReadBack() throws {
    let value: JSON = [
      "text": "a\"\\\n\t\r\u{0}\u{7f}\u{1F600}", "numbers": [0, -1, 0.1, 1e-300, .number(1e300), .integer(.min)],
      "nested": ["empty": [], "object": .object([]), "flags": [true, false, .null]], "": "",
    ]
    #expect(try parse(value.description) == value)
    #expect(try parse(value.line) == value)
  }
}
