import Foundation
import Pictures
import Testing

@testable import Experiments

/// Commands that write files for their users, as a shell runs them.
struct OutputCommandTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func airframe(_ words: [String]) throws -> Program.Outcome { try Program.run(words, in: folder.path) }

  private func bytes(_ name: String) -> Data? { FileManager.default.contents(atPath: "\(folder.path)/\(name)") }

  /// What must be given beside the output, where it is more than one word.
  private static let others = [
    "infer": ["nothing", "none.png"], "data preview": ["multi-sprites"],
    "figure generate": ["nothing", "--scene", "s.yaml"],
  ]

  @Test func everyCommandRefusesAnEndingAndAnExistingFileBeforeItLooksAtAnythingElse() throws {
    let endings = ["png", "svg", "csv", "json", "npz", "safetensors"]
    for ending in endings { try folder.write("old".utf8, to: "old.\(ending)") }
    var outputs = 0
    for command in try Program.commands(in: folder.path) {
      let help = try airframe(command + ["--help"]).output
      let options = ["--out FILE", "--csv FILE", "--seeds-file FILE"].filter { help.contains("\n  \($0)") }
      #expect(options.isEmpty != help.contains("\n  --replace"), "\(command)")
      for option in options.map({ String($0.prefix { $0 != " " }) }) {
        outputs += 1
        let words = command + (Self.others[command.joined(separator: " ")] ?? ["nothing"]) + [option]
        let format = try airframe(words + ["new.pdf"])
        let words2 = format.messages
        #expect(format.status == 2 && words2.contains("new.pdf: the name's ending decides the format"), "\(format)")
        let own = endings.filter { words2.contains(" .\($0)") || words2.contains("; .\($0)") }
        #expect(!own.isEmpty)
        for ending in own {
          let existing = try airframe(words + ["old.\(ending)"])
          #expect(existing.status == 2 && existing.messages.contains("old.\(ending): exists and stays"), "\(existing)")
          #expect(existing.messages.contains("--replace"))
          #expect(bytes("old.\(ending)") == Data("old".utf8))
        }
      }
    }
    #expect(outputs >= 18, "\(outputs)")
  }

  @Test func anEvaluationThatCannotBeKeptIsPrintedAllTheSame() throws {
    try folder.write(tinyConfig.utf8, to: "tiny.yaml")
    #expect(try airframe(["train", "tiny.yaml", "--name", "r", "training.steps=2"]).status == 0)
    // Where its file would go stands another one: permissions do not stop root.
    try? FileManager.default.removeItem(atPath: "\(folder.path)/runs/tiny/r/evaluations")
    try folder.write([], to: "runs/tiny/r/evaluations")
    let outcome = try airframe(["evaluate", "runs/tiny/r"])
    #expect(outcome.output.contains("nelbo ") && outcome.output.contains("miou "), "\(outcome)")
    #expect(outcome.status == 1 && outcome.messages.contains("is not kept"), "\(outcome)")
  }

  @Test func outputsHaveTheFormatOfTheirNamesAndInputsStay() throws {
    try folder.write(tinyConfig.utf8, to: "tiny.yaml")
    let trained = try airframe(["train", "tiny.yaml", "--name", "r", "training.steps=4"])
    #expect(trained.status == 0, "\(trained.messages)")
    let run = String(try #require(trained.output.split(separator: "\n").first { $0.hasPrefix("run ") }).dropFirst(4))
    let image = try Picture(width: 16, height: 16, channels: 1, fill: 90).png()
    try folder.write(image, to: "a.png")
    let starts: [(words: [String], name: String, start: [UInt8])] = [
      (["infer", run, "a.png", "--out"], "o.csv", Array("image,".utf8)),
      (["infer", run, "a.png", "--out"], "o.json", Array("{".utf8)),
      (["infer", run, "a.png", "--out"], "o.npz", Array("PK".utf8)),
      (["sample", run, "--count", "2", "--out"], "s.npz", Array("PK".utf8)),
      (["sample", run, "--count", "2", "--out"], "s.png", [0x89, 0x50]),
      (["figure", "curves", run, "--out"], "c.svg", Array("<svg".utf8)),
      (["figure", "curves", run, "--out"], "c.png", [0x89, 0x50]),
    ]
    for (words, name, start) in starts {
      let outcome = try airframe(words + [name])
      #expect(outcome.status == 0, "\(outcome)")
      #expect(bytes(name)?.starts(with: start) == true, "\(name)")
      #expect(try airframe(words + [name]).status == 2)
      #expect(try airframe(words + [name, "--replace"]).status == 0)
    }
    // The name that the image has is no name for results, whatever is said.
    try FileManager.default.linkItem(atPath: "\(folder.path)/a.png", toPath: "\(folder.path)/a.json")
    for words in [["--out", "a.png"], ["--out", "a.json", "--replace"]] {
      #expect(try airframe(["infer", run, "a.png"] + words).status == 2)
    }
    #expect(bytes("a.png") == Data(image))
    let other = try airframe(["infer", run, "a.png", "--out", "\(run)/config.json", "--replace"])
    #expect(other.status == 0, "\(other)")
    let own = try airframe(["infer", run, "a.png", "--out", "\(run)/status.json", "--replace"])
    #expect(own.status == 2 && own.messages.contains("never replaced"), "\(own)")
  }
}
