import Foundation
import Testing

/// What the documentation says of commands is what they do.
struct DocumentationTests {
  /// Pages whose console blocks are run, one after the other in a folder of its own each.
  private static let pages = ["docs/configs.md", "docs/experiments.md", "docs/run-folders.md"]

  private static func text(_ page: String) throws -> String {
    try String(contentsOfFile: "\(repository)/\(page)", encoding: .utf8)
  }

  @Test(arguments: pages) func everyCommandOfAPagePrintsWhatThePageShows(_ name: String) throws {
    let page = ConsolePage(try Self.text(name))
    #expect(page.steps.count > 3)
    let folder = try TemporaryFolder()
    for link in ["configs", "experiments", "scripts"] {
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder.path)/\(link)", withDestinationPath: "\(repository)/\(link)")
    }
    let faults = try withExtendedLifetime(folder) { try page.faults(in: folder.path, environment: [:]) }
    for fault in faults { Issue.record("\(name), \(fault)") }
  }

  @Test func everyPageWithAConsoleBlockIsRun() throws {
    let docs = FileManager.default.enumerator(atPath: "\(repository)/docs")?.compactMap { $0 as? String } ?? []
    let pages = try docs.filter { $0.hasSuffix(".md") }.map { "docs/\($0)" }.filter {
      try Self.text($0).contains("```console\n")
    }
    #expect(Set(pages) == Set(Self.pages))
  }
}

struct ConsolePageTests {
  private let page = """
    Text, and a block that is not run:
    ```sh
    $ rm everything
    ```
    ```yaml
    # a.yaml
    b: 1
    ```
    ```yaml
    # two words: no file
    ```
    ```console
    $ cat a.yaml
    # a.yaml
    b: 1
    $ echo one
    > echo two
    ```
    """

  @Test func commandsFilesAndOutputsAreRead() {
    #expect(
      ConsolePage(page).steps == [
        .file(name: "a.yaml", text: "# a.yaml\nb: 1\n"),
        .command("cat a.yaml", output: ["# a.yaml", "b: 1"], line: 13),
        .command("echo one\necho two", output: [], line: 16),
      ])
  }

  private func faults(_ block: String) throws -> [String] {
    let folder = try TemporaryFolder()
    return try withExtendedLifetime(folder) {
      try ConsolePage("```console\n\(block)\n```").faults(in: folder.path, environment: [:])
    }
  }

  @Test func whatGoesOtherwiseIsFound() throws {
    #expect(try faults("$ echo a\na\n$ echo b >&2\nb\n$ true\n$ airframe --version\nairframe ...") == [])
    for block in [
      "$ echo a\nb", "$ echo a\na\nb", "$ printf 'a\\nb\\n'\na", "$ false", "$ false | cat", "$ airframe trian",
      "$ echo 'airframe: x'\nairframe: x", "$ airframe --version\nairframe: ...",
    ] {
      #expect(try !faults(block).isEmpty, "\(block)")
    }
    #expect(try faults("$ airframe trian\nairframe: unknown command 'trian'...\n...") == [])
  }

  @Test(arguments: [
    (["a", "b", "c"], ["a", "...", "c"], true), (["a", "c"], ["a", "...", "c"], true), (["a"], ["..."], true),
    (["a", "b"], ["a", "..."], true), (["b", "a"], ["a", "..."], false), (["a", "b", "c"], ["...", "b"], false),
    (["steps 12 of 30"], ["steps ... of 30"], true), (["steps 12 of 31"], ["steps ... of 30"], false),
    (["abab"], ["ab...ab"], true), (["ab"], ["ab...ab"], false), (["x y z"], ["x...y...z"], true),
    (["x z y"], ["x...y...z"], false),
  ])
  func dotsStandForAnything(lines: [String], shown: [String], isMatch: Bool) {
    #expect(ConsolePage.matches(lines[...], shown[...]) == isMatch)
  }
}
