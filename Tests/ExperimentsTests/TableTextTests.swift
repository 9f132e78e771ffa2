import Configuration
import Pictures
import Testing

@testable import Experiments

/// Tables and options with rows whose names mean something in some format.
struct TableTextTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(tinyConfig.utf8, to: "tiny.yaml")
  }

  private func table(_ names: [String], _ more: String = "") throws -> ResultTable {
    let rows = names.enumerated().map { "\(JSON.text($1).line): { training.batch: \($0 + 1) }" }
    let text = "base: tiny.yaml\nseeds: [3]\nrows: { \(rows.joined(separator: ", ")) }\ncolumns: [nelbo]\n\(more)"
    return try ResultTable(try Experiment(try folder.write(text.utf8, to: "names.yaml")), base: folder.path)
  }

  @Test func everyNameSurvivesEveryFormat() throws {
    let table = try table(awkwardNames)
    for csv in [table.text(as: .csv), table.csvOfSeeds.text] {
      let rows = try CSV(parsing: Array(csv.utf8), name: "t.csv").rows
      #expect(rows.dropFirst().map { $0.fields[0] } == awkwardNames)
      #expect(Set(rows.map(\.fields.count)).count == 1)
    }
    let markdown = table.text(as: .markdown).split(separator: "\n").dropFirst(2).prefix(awkwardNames.count)
    for (line, name) in zip(markdown, awkwardNames) {
      #expect(line == "| \(Escaping.markdown(name)) | - (0; 1 unfinished) |")
    }
    let latex = table.text(as: .latex).split(separator: "\n").dropFirst(4).prefix(awkwardNames.count)
    for (line, name) in zip(latex, awkwardNames) {
      #expect(line == "\(Escaping.latex(name)) & - (0; 1 unfinished) \\\\")
    }
    for name in awkwardNames { #expect(table.text(as: .text).contains("\n\(name)  ")) }
  }

  @Test func everyNameCanBeGivenToAnOption() throws {
    func names(_ word: String) throws -> [String] {
      try NameList.names(in: word, among: awkwardNames, option: "--only", kind: "row")
    }
    for name in awkwardNames {
      #expect(try names(CSV.record([name])) == [name])
      for other in awkwardNames { #expect(try names(CSV.record([name, other])) == [name, other]) }
    }
    // As they are, where that can mean one thing only.
    #expect(try names("e, \"f\",c|d") == ["e, \"f\"", "c|d"] && names("plain, *") == ["plain", "*"])
    let table = try table(["e, \"f\"", "c|d"])
    #expect(try table.comparison(of: "e, \"f\"", with: "c|d").contains("e, \"f\" - c|d"))
  }

  @Test func aListThatCouldMeanTwoThingsIsRefusedWithTheSpelling() {
    func words(_ word: String, _ known: [String]) -> String {
      complaint { _ = try NameList.names(in: word, among: known, option: "--only", kind: "row") }
    }
    // "a" and "b,c \"", or "a,b" and "c \"".
    let two = words("a,b,c \"", ["a", "b,c \"", "a,b", "c \""])
    #expect(two == "--only 'a,b,c \"': can be read in more than one way (rows: a,\"b,c \"\"\",\"a,b\",\"c \"\"\")")
    #expect(words("smal", ["small", "x"]).hasPrefix("--only 'smal': no row is called 'smal'; did you mean 'small'?"))
    #expect(words("a \"b", ["a,b"]).contains("in quotes, and double the quotes in it (rows: \"a,b\")"))
    // A record comes before all else.
    #expect(words("a,b", ["a", "b", "a,b"]) == "")
  }

  @Test func linesBelowATableStayWhatTheyAre() throws {
    let more = """
      title: "two\\nlines\\e[31m"
      paper: { a_b: { nelbo: 1 +- 2, comparable: false, reason: "one\\n\\\\input{x}\\r\\nthree\\u2028 *four*" } }
      """
    let table = try table(["a_b", "c"], more)
    let latex = table.text(as: .latex).split(whereSeparator: \.isNewline)
    let end = try #require(latex.firstIndex(of: "\\end{tabular}"))
    #expect(latex[(end + 1)...].count >= 2 && latex[(end + 1)...].allSatisfy { $0.hasPrefix("% ") }, "\(latex)")
    #expect(
      table.text(as: .markdown).contains("a_b: not compared with the paper: one\\\\n\\\\input{x}"),
      "\(table.text(as: .markdown))")
    #expect(table.text(as: .text).hasPrefix("two\\nlines\\u{1B}[31m\n\nrow"), "\(table.text(as: .text))")
  }
}
