import Testing

@testable import Configuration

/// Trees, places, and the input that is rejected before any key is read.
struct YAMLTests {
  func parse(_ text: String) throws -> YAMLNode {
    try #require(try YAMLParser.parse(SourceText(Array(text.utf8), of: .file("t.yaml"))))
  }

  func problem(_ bytes: [UInt8]) -> String {
    do {
      _ = try YAMLParser.parse(SourceText(bytes, of: .file("t.yaml")))
      return ""
    } catch {
      return "\(error)"
    }
  }

  func problem(_ text: String) -> String { problem(Array(text.utf8)) }

  @Test func nodesKnowTheirPlaceAndPath() throws {
    let tree = try parse("a:\n  - b: 1\n  - é: { c: x }\n")
    let element = try #require(tree["a"]?.elements?[1]["é"]?["c"])
    #expect(element.path == "a[1].é.c")
    #expect(element.place.description == "t.yaml:3:13")
    #expect(tree["a"]?.elements?[1].entries?[0].keyPlace.description == "t.yaml:3:5")
  }

  @Test func quotedAndBlockScalarsAreText() throws {
    let tree = try parse("a: '1'\nb: \"true\"\nc: |\n  2\n")
    #expect(tree["a"]?.meaning == .text("1"))
    #expect(tree["b"]?.meaning == .text("true"))
    #expect(tree["c"]?.meaning == .text("2\n"))
  }

  @Test func aliasesRepeatTheirAnchorUnderTheirOwnPath() throws {
    let tree = try parse("a: &x { k: [1] }\nb: *x\n")
    #expect(tree["b"]?["k"]?.elements?[0].path == "b.k[0]")
    #expect(tree["b"]?["k"]?.place.line == 1)
  }

  @Test func aByteOrderMarkChangesNeitherKeysNorPlaces() throws {
    let tree = try parse("\u{FEFF}a: 1\nb:\n  c: 2\n")
    #expect(tree["a"]?.meaning == .integer(1) && tree["b"]?["c"]?.meaning == .integer(2))
    #expect(tree["a"]?.place.description == "t.yaml:1:4")
    #expect(problem("\u{FEFF}a: [1") == problem("a: [1"))
    #expect(problem(Array("\u{FEFF}a: é".utf8) + [0xFF]) == problem(Array("a: é".utf8) + [0xFF]))
  }

  @Test func linesMayEndAsOnWindows() throws {
    let text = "a: 1 # one\nb:\n  - x\n  - \"y\"\nc: |\n  two\n  lines\nd: >-\n  folded\n  text\n"
    let (plain, windows) = (try parse(text), try parse(text.replacing("\n", with: "\r\n")))
    #expect(JSON(windows) == JSON(plain))
    func places(_ node: YAMLNode) -> [String] {
      [node.place.description] + ((node.elements ?? []) + (node.entries ?? []).map(\.value)).flatMap(places)
    }
    #expect(places(windows) == places(plain))
    #expect(problem("a: 1\r\nb: 2\r\na: 3\r\n").hasPrefix("t.yaml:3:1: 'a' is set a second time (first in line 1)"))
    #expect(problem(Array("a: 1\r\nb: ".utf8) + [0xFF]).hasPrefix("t.yaml:2:4: is not UTF-8 text"))
  }

  @Test func mergeKeysAreRefusedWithWhatToDoInstead() {
    let words = problem("a: &x { k: 1 }\nb:\n  <<: *x\n")
    #expect(words.hasPrefix("t.yaml:3:3: YAML 1.2 has no merge keys (<<)") && words.contains("'extends'"))
    #expect(problem("\"<<\": 1\n") == "", "a key in quotes is text")
  }

  @Test func aNULIsRefusedWhereverItStands() {
    #expect(problem("a: \"x\\0y\"") == "t.yaml:1:4: a text with a NUL character (\\0); leave it out")
    #expect(problem("\"a\\0b\": 1") == "t.yaml:1:1: a key with a NUL character (\\0); leave it out")
    #expect(problem("a: [\"\\x00\"]").contains("NUL") && problem("a: \"\\u0000\"").contains("NUL"))
    #expect(fault("", "training.note=\"a\\0b\"").contains("NUL"))
  }

  @Test func onlyCommentsAreNoTree() throws {
    #expect(try YAMLParser.parse(SourceText(Array("# nothing\n".utf8), of: .file("t.yaml"))) == nil)
  }

  @Test func duplicateKeysAreAllReported() {
    #expect(
      problem("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n") == """
        t.yaml:4:3: 'b.c' is set a second time (first in line 3); keep one of the two
        t.yaml:5:1: 'a' is set a second time (first in line 1); keep one of the two
        """)
  }

  @Test func brokenYAMLShowsTheProblemAndItsMark() {
    #expect(
      problem("a: [1, 2\nb: 3\n")
        == "t.yaml:2:2: broken YAML: did not find expected ',' or ']' while parsing a flow sequence from line 1")
    #expect(problem("a: 'x\n").hasPrefix("t.yaml:2:1: broken YAML: found unexpected end of stream"))
    #expect(problem("a: \u{1}").hasPrefix("t.yaml:1:4: broken YAML: control characters are not allowed"))
  }

  @Test func tabsForIndentationAreNamed() {
    #expect(problem("a:\n\tb: 1\n").hasSuffix("(indent with spaces, not with tabs)"))
  }

  @Test func secondDocumentsAreRefused() {
    #expect(problem("a: 1\n---\nb: 1\n") == "t.yaml:2:1: a second document starts here; a config is one document")
  }

  @Test func textsThatAreNotUTF8AreLocated() {
    #expect(problem(Array("a: 1\nb: é".utf8) + [0xFF]) == "t.yaml:2:5: is not UTF-8 text; save it as UTF-8")
    #expect(problem([0xFF, 0xFE, 0x61, 0x00]) == "t.yaml:1:1: is not UTF-8 text; save it as UTF-8")
  }

  @Test func largeFilesAreRefused() {
    let text = [UInt8](repeating: UInt8(ascii: "#"), count: (4 << 20) + 1)
    #expect(problem(text) == "t.yaml: is larger than 4 MB, too large for a config")
  }

  @Test func tagsAreRefused() {
    #expect(problem("a: !!str 1") == "t.yaml:1:4: tags such as !!str are not used here; put text in quotes")
    #expect(problem("a: !x [1]").hasPrefix("t.yaml:1:4: tags"))
  }

  @Test func keysArePlainText() {
    #expect(problem("[1]: 2") == "t.yaml:1:1: a key is plain text, without anchor, alias or tag")
  }

  @Test func unknownAndSelfReferringAliasesAreRefused() {
    #expect(problem("a: *x") == "t.yaml:1:4: unknown alias '*x'; its anchor '&x' must end before it is used")
    #expect(problem("a: &x [*x]").hasPrefix("t.yaml:1:8: unknown alias '*x'"))
  }

  @Test func aliasesThatGrowWithoutBoundAreRefused() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...9 {
      let names = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(names)]\n"
    }
    #expect(problem(text).hasSuffix("more than 10000 values, counting what aliases repeat; a config holds fewer"))
  }

  @Test func manyValuesWithoutAliasesAreRefusedToo() {
    let list = Array(repeating: "1", count: 10_001).joined(separator: ",")
    #expect(problem("a: [\(list)]").contains("more than 10000 values"))
  }

  @Test func deepNestingIsRefused() {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    #expect(problem(nested(64)) == "")
    #expect(problem(nested(65)) == "t.yaml:1:65: nested deeper than 64 levels")
    #expect(problem(nested(200_000)) == "t.yaml:1:65: nested deeper than 64 levels")
  }

  @Test func aliasesDoNotDeepenTheTreeBeyondTheLimit() {
    let lines = (1...70).map { "a\($0): &a\($0) [*a\($0 - 1)]" }
    #expect(problem("a0: &a0 [x]\n" + lines.joined(separator: "\n")).hasSuffix("nested deeper than 64 levels"))
  }
}
