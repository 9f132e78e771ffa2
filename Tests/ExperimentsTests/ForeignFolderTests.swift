import Configuration
import Foundation
import Testing

@testable import Experiments

/// A training that is started in a folder which somebody else made.
struct ForeignFolderTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(tinyConfig.utf8, to: "tiny.yaml")
  }

  private func shell(_ lines: String) throws {
    let outcome = try Program.run(["-ec", lines], in: folder.path, program: "/bin/sh")
    #expect(outcome.status == 0, "\(outcome)")
  }

  private func environment() throws -> JSON {
    let outcome = try Program.run(["train", "../tiny.yaml", "training.steps=2"], in: "\(folder.path)/repository")
    #expect(outcome.status == 0, "\(outcome)")
    let run = try #require(outcome.output.split(separator: "\n").first { $0.hasPrefix("run ") }).dropFirst(4)
    let file = "\(folder.path)/repository/\(run)/environment.json"
    return try JSON(parsing: Array(try Data(contentsOf: URL(fileURLWithPath: file))))
  }

  /// A commit, whose file is then touched, so that git has to read it through its filters.
  private static let repository = """
    git init -q repository
    cd repository
    printf '*.bin filter=spy\\n*.txt filter=longer\\n*.png diff=spy\\n' > .gitattributes
    echo 1 > a.bin; echo 1 > b.txt; echo 1 > c.png
    git add .
    git -c user.name=a -c user.email=a@b commit -qm first
    """

  @Test func aRepositoryRunsNoneOfItsPrograms() throws {
    try shell(
      """
      \(Self.repository)
      spy="sh -c 'echo ran >> \(folder.path)/ran; cat'"
      git config core.fsmonitor "$spy"
      git config filter.spy.clean "$spy"
      git config filter.spy.required true
      git config filter.longer.process "$spy"
      git config diff.spy.textconv "$spy"
      git config diff.external "$spy"
      git config core.hooksPath .hooks
      mkdir .hooks
      printf '#!/bin/sh\\necho ran >> \(folder.path)/ran\\n' > .hooks/post-index-change
      chmod +x .hooks/post-index-change
      # Programs that are named in a file of their own.
      printf '[filter "spy=x"]\\n  clean = echo ran >> \(folder.path)/ran\\n' > .git/more
      git config include.path more
      echo '*.bin filter=spy=x' >> .gitattributes
      rm -f ../ran
      sleep 1.1
      touch a.bin b.txt c.png
      """)
    let found = try environment()
    #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/ran"))
    #expect(found["git_commit"]?.string?.count == 40, "\(found)")
  }

  @Test func theCommitAndWhetherFilesWereChangedAreStillKnown() throws {
    try shell(Self.repository)
    let clean = try environment()
    #expect(clean["git_commit"]?.string?.count == 40 && clean["git_dirty"] == .flag(false), "\(clean)")
    try shell("echo 2 > repository/b.txt")
    #expect(try environment()["git_dirty"] == .flag(true))
  }
}
