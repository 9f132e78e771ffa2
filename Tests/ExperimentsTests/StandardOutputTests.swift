import Foundation
import Pictures
import Testing

@testable import Experiments

/// What is printed is there whole, or the status says that it is not.
struct StandardOutputTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(tinyConfig.utf8, to: "tiny.yaml")
    try folder.write("base: tiny.yaml\nseeds: [0]\nrows: { a: {} }\n".utf8, to: "cells.yaml")
  }

  /// Runs it with a stdout, and maybe a stderr, that a shell opened: `1>/dev/full`.
  private func run(_ words: [String], _ redirection: String) throws -> Program.Outcome {
    try Program.run(
      ["-c", "exec \"$0\" \"$@\" \(redirection)", Program.path] + words, in: folder.path, program: "/bin/sh")
  }

  /// A pipe without a reader, as descriptor 5.
  private var brokenPipe: String { "4<>broken 5>broken 4<&-" }

  private func makeBrokenPipe() { #expect(mkfifo("\(folder.path)/broken", 0o600) == 0) }

  @Test func everyCommandSaysThatItsOutputCannotBeWritten() throws {
    let trained = try Program.run(["train", "tiny.yaml", "--name", "first"], in: folder.path)
    #expect(trained.status == 0, "\(trained.messages)")
    let run = String(try #require(trained.output.split(separator: "\n").first { $0.hasPrefix("run ") }).dropFirst(4))
    try folder.write(try Picture(width: 16, height: 16, channels: 1, fill: 0).png(), to: "x.png")
    var lines = [
      ["--version"], ["--help"], [], ["config", "check", "tiny.yaml"], ["config", "show", "tiny.yaml"],
      ["config", "explain", "tiny.yaml"], ["config", "keys"], ["config", "schema"], ["data", "list"],
      ["completions", "bash"], ["completions", "zsh"], ["runs"], ["runs", "--format", "json"],
      ["runs", "diff", run, run], ["evaluate", run], ["infer", run, "x.png"],
      ["infer", run, "x.png", "--out", "found.csv"], ["table", "cells.yaml"], ["sweep", "cells.yaml", "--dry-run"],
      ["sweep", "cells.yaml", "--status"], ["sample", run, "--out", "sample.png"],
      ["data", "preview", "--config", "tiny.yaml", "--out", "other.png"],
      ["train", "tiny.yaml", "--name", "second"], ["train", "--resume", run, "training.steps=25"],
      ["bench", "kernels", "--filter", "normals", "--seconds", "1"],
    ]
    lines += try Program.commands(in: folder.path).map { $0 + ["--help"] }
    #expect(lines.count > 45)
    for line in lines {
      let outcome = try self.run(line, ">/dev/full")
      #expect(outcome.status == 1 && !outcome.wasKilled, "\(line): \(outcome)")
      #expect(outcome.messages.contains("stdout: not everything could be printed"), "\(line): \(outcome)")
    }
    // The work of a command is done all the same.
    let second = "\(folder.path)/\(run.replacingOccurrences(of: "first", with: "second"))/status.json"
    #expect(try String(contentsOfFile: second, encoding: .utf8).contains("finished"))
  }

  @Test func aClosedOutputAndAPipeWithoutAReaderAreSaid() throws {
    makeBrokenPipe()
    for redirection in [">&-", "\(brokenPipe) >&5"] {
      let outcome = try run(["config", "show", "tiny.yaml"], redirection)
      #expect(outcome.status == 1 && !outcome.wasKilled, "\(redirection): \(outcome)")
      #expect(outcome.messages.contains("stdout: "), "\(redirection): \(outcome)")
    }
  }

  /// Its descriptor would be that of the first file that is opened.
  @Test func whatIsPrintedToAClosedOutputGoesToNoFile() throws {
    let outcome = try run(["train", "tiny.yaml", "--name", "closed"], ">&- 2>&-")
    #expect(outcome.status == 1 && !outcome.wasKilled)
    let files = FileManager.default
    for name in try files.subpathsOfDirectory(atPath: folder.path) where !name.hasSuffix(".yaml") {
      let bytes = files.contents(atPath: "\(folder.path)/\(name)") ?? Data()
      #expect(bytes.firstRange(of: Data("picture runs/".utf8)) == nil, "\(name)")
      #expect(bytes.firstRange(of: Data("steps/s".utf8)) == nil, "\(name)")
    }
  }

  @Test func noProgressOutputStopsATraining() throws {
    makeBrokenPipe()
    for (name, redirection) in [("full", "2>/dev/full"), ("closed", "2>&-"), ("broken", "\(brokenPipe) 2>&5")] {
      let outcome = try run(["train", "tiny.yaml", "--name", name], redirection)
      #expect(outcome.status == 0 && outcome.output.contains("/\(name)\n"), "\(redirection): \(outcome)")
    }
    // A reader that has stopped reading: the pipe is full (64 KiB), and nobody takes anything out of it.
    let full = "4<>unread; head -c 65536 /dev/zero >&4;"
    #expect(mkfifo("\(folder.path)/unread", 0o600) == 0)
    let outcome = try Program.run(
      ["-c", "exec \(full) exec \"$0\" \"$@\" 2>&4", Program.path, "train", "tiny.yaml", "--name", "unread"],
      in: folder.path, program: "/bin/sh")
    #expect(outcome.status == 0 && outcome.output.contains("/unread\n"), "\(outcome)")
  }
}
