import Foundation
import Pictures
import Testing

@testable import Datasets

struct KanjiVGTests {
  private static let stroke = "<path d='M1,1c1,1,2,2,3,3'/>"

  private func read(_ text: String, _ characters: String = "明") throws -> [KanjiVG.Character] {
    try KanjiVG(bytes: Array(text.utf8), name: "k.xml", characters: characters).characters
  }

  /// The components of 明, whose group holds this; a number stands for that many strokes.
  private func components(_ content: String) throws -> [String] {
    var text = "<kanji id=\"kvg:kanji_0660e\"><g kvg:element=\"明\">"
    for character in content {
      text += character.wholeNumberValue.map { String(repeating: Self.stroke, count: $0) } ?? String(character)
    }
    return try read(text + "</g></kanji>")[0].components.map { "\($0.name)\($0.strokes.count)" }
  }

  private func g(_ element: String, _ content: String, _ more: String = "") -> String {
    "<g kvg:element='\(element)' \(more)>\(content)</g>"
  }

  @Test func groupsAreTakenApartDownToTheLast() throws {
    #expect(try components(g("A", "4") + g("B", "3")) == ["A4", "B3"])
    #expect(
      try components(g("A", g("C", "2") + g("D", "2")) + "<g>" + g("B", "3") + g("A", "2") + "</g>")
        == ["C2", "D2", "B3", "A2"])
  }

  @Test func groupsThatDoNotHoldEverythingAreOneComponent() throws {
    // A stroke beside them; a group alone; one of a single stroke; none.
    #expect(try components("1" + g("A", "4") + g("B", "3")) == ["明8"])
    #expect(try components(g("A", "4")) == ["明4"])
    #expect(try components(g("A", "4") + g("B", "1")) == ["明5"])
    #expect(try components("4") == ["明4"])
    #expect(try components(g("A", g("C", "1") + g("D", "2")) + g("B", "3")) == ["A3", "B3"])
    #expect(try components(g("A", "4", "kvg:partial='true'") + g("B", "3")) == ["明7"])
  }

  @Test func theLastTagMustEndTheCharacter() {
    for text in [
      "<kanji id='kvg:kanji_0660e'>", "<kanji id='kvg:kanji_0660e'><g>\(Self.stroke)",
      "<kanji id='kvg:kanji_0660e'><g>\(Self.stroke)</g",
    ] { #expect(throws: DatasetError.self) { try read(text) } }
  }

  @Test func piecesOfAnElementAreOneComponent() throws {
    func text(_ parts: [(String, String, String)]) -> String {
      let groups = parts.map { element, part, content in
        "<g kvg:element='\(element)'\(part.isEmpty ? "" : " kvg:part='\(part)'")>\(content)</g>"
      }
      return "<kanji id=\"kvg:kanji_0660e\"><g>\(groups.joined())</g></kanji>"
    }
    let two = Self.stroke + Self.stroke
    func components(_ parts: [(String, String, String)]) throws -> [String] {
      try read(text(parts))[0].components.map { "\($0.name)\($0.strokes.count)" }
    }
    #expect(try components([("A", "1", two), ("B", "", two), ("A", "2", Self.stroke)]) == ["A3", "B2"])
    // Two elements of the same name, in two pieces each.
    #expect(
      try components([("A", "1", two), ("A", "2", two), ("A", "1", two), ("A", "2", two)]) == ["A4", "A4"])
    // A piece that has lost the others.
    #expect(try components([("A", "1", two), ("B", "", two)]) == ["明4"])
    #expect(try components([("A", "2", two), ("B", "", two)]) == ["明4"])
  }

  @Test func charactersComeInTheOrderAskedForAndOthersAreNotRead() throws {
    let text = """
      <?xml version="1.0"?><!-- <kanji id="kvg:kanji_06797"> a > b --><kanjivg xmlns:kvg='x'>
      <kanji id="kvg:kanji_06708-Kaisho"><g><path d="M8"></g></kanji><kanji id="kvg:kanji_065e5"><g>\(Self.stroke)</g></kanji>
      <kanji id="kvg:kanji_06728"><nonsense></kanji>
      <kanji id="kvg:kanji_06708"><g><!-- a stroke -->\(Self.stroke)</g></kanji></kanjivg>
      """
    #expect(try read(text, "月日").map(\.name) == ["月", "日"])
  }

  @Test(arguments: [
    ("", "is not KanjiVG's XML"), ("<svg></svg>", "is not KanjiVG's XML"),
    (
      "<kanji id=\"kvg:kanji_065e5\"></kanji>", "has no character '明'; take what is not there out of dataset.characters"
    ),
    ("<kanji id='kvg:kanji_0660e'></kanji>", "has </kanji> within '明', where it does not belong (byte 28 of its XML)"),
    ("<kanji id='kvg:kanji_0660e'><g></kanji>", "has </kanji> within '明'"),
    ("<kanji id='kvg:kanji_0660e'></g></kanji>", "has </g> within '明'"),
    ("<kanji id='kvg:kanji_0660e'><text></text></kanji>", "has <text> within '明'"),
    ("<kanji id='kvg:kanji_0660e'><path/></kanji>", "has a stroke of '明' without a path"),
    (
      "<kanji id='kvg:kanji_0660e'><path d='M1,1L2,2'/></kanji>",
      "whose path has 'L2,2', expected C, c, S or s (byte 41"
    ),
    ("<kanji id='kvg:kanji_0660e'><g kvg:element='A></kanji>", "has a tag that is damaged (byte 28"),
    ("<kanji id='kvg:kanji_0660e'><g kvg:element></g></kanji>", "has a tag that is damaged"),
    ("<kanji id='kvg:kanji_0660e'><!-- </kanji>", "has a comment without an end"),
    ("<kanji id='kvg:kanji_0660e'><></kanji>", "has a tag without a name"),
    ("<kanji id=kvg:kanji_0660e>", "has a tag that is damaged (byte 0"),
  ])
  func faultsNameTheFileAndThePlace(text: String, problem: String) {
    let error = #expect(throws: DatasetError.self) { try read(text) }
    let words = error.map { "\($0)" } ?? ""
    #expect(words.hasPrefix("k.xml: ") && words.contains(problem), "\(words)")
  }

  @Test func hostileFilesAreRefusedAndSoonSo() {
    let start = "<kanji id='kvg:kanji_0660e'>"
    let many = 300_000
    for text in [
      start + String(repeating: "<g>", count: many), start + String(repeating: "<g></g>", count: many),
      start + String(repeating: Self.stroke, count: many),
      start + "<g kvg:element='" + String(repeating: "x", count: 5_000_000) + "'></g></kanji>",
      start + "<path d='" + String(repeating: "M", count: 5_000_000) + "'/></kanji>",
      start + "<g " + String(repeating: "a='b' ", count: many) + "></g></kanji>",
      start + "<" + String(repeating: "g", count: 5_000_000) + "></kanji>",
      String(repeating: "<kanji id='", count: many), String(repeating: "<kanji ", count: many),
    ] {
      let error = #expect(throws: DatasetError.self) { try read(text) }
      #expect((error.map { "\($0)" }?.utf8.count ?? 0) < 300)
    }
  }

  // The rest needs the real KanjiVG: set AIRFRAME_DATA to the folder that holds kanjivg/ (skipped otherwise).

  @Test(
    .enabled(if: hasKanjiVG),
    arguments: [
      ("明", "日4 月4"), ("林", "木4 木4"), ("品", "口3 口3 口3"), ("森", "木4 木4 木4"), ("好", "女3 子3"), ("時", "日4 土3 寸3"),
      ("想", "木4 目5 心4"), ("国", "囗3 玉5"), ("街", "行6 土3 土3"), ("木", "木4"), ("語", "言7 五4 口3"), ("男", "田5 力2"),
    ])
  func wellKnownCharactersHaveTheirComponentsAndStrokes(character: String, components: String) throws {
    let file = try #require(dataFolder) + "/kanjivg/kanjivg.xml.gz"
    let read = try KanjiVG(file: file, characters: character).characters
    #expect(read.map { $0.components.map { "\($0.name)\($0.strokes.count)" }.joined(separator: " ") } == [components])
  }

  @Test(.enabled(if: hasKanjiVG)) func theDefaultCharactersShareThirtyComponents() throws {
    let file = try #require(dataFolder) + "/kanjivg/kanjivg.xml.gz"
    let characters = try KanjiVG(file: file, characters: Hanzi.characters).characters
    #expect(characters.count == 50 && characters.map(\.name).joined() == Hanzi.characters)
    #expect((2...3).map { count in characters.filter { $0.components.count == count }.count } == [25, 25])
    var users: [String: Int] = [:]
    for character in characters { for name in Set(character.components.map(\.name)) { users[name, default: 0] += 1 } }
    #expect(users.count == 30 && users.values.allSatisfy { (3...5).contains($0) })
    #expect(characters.allSatisfy { $0.components.reduce(0) { $0 + $1.strokes.count } <= 12 })
  }
}
