import Foundation
import Testing

/// The completion scripts, in the shells that read them.
struct CompletionTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(tinyConfig.utf8, to: "tiny.yaml")
    try folder.write("".utf8, to: "notes.txt")
    try FileManager.default.createDirectory(atPath: "\(folder.path)/runs", withIntermediateDirectories: false)
    try FileManager.default.createSymbolicLink(
      atPath: "\(folder.path)/airframe", withDestinationPath: Program.path)
  }

  private func script(_ shell: String) throws -> String {
    let outcome = try Program.run(["completions", shell], in: folder.path)
    #expect(outcome.status == 0 && outcome.messages.isEmpty)
    return outcome.output
  }

  /// Runs a text in a shell, in the folder, with `airframe` on its path.
  private func run(_ shell: String, _ text: String) throws -> String {
    let outcome = try Program.run(
      [shell.hasSuffix("bash") ? "--norc" : "-f", "-c", text], in: folder.path,
      environment: ["PATH": "\(folder.path):/usr/bin:/bin", "LC_ALL": "C"], program: shell)
    #expect(outcome.status == 0 && outcome.messages.isEmpty, "\(outcome.messages)")
    return outcome.output
  }

  /// What bash offers, each case a list of words as bash breaks them, the last one being completed.
  @Test(arguments: [
    (["tr"], ["train"]), (["train", "ti"], ["tiny.yaml"]), (["train", ""], ["runs", "tiny.yaml"]),
    (["config", ""], ["check", "explain", "keys", "schema", "show"]), (["config", "ex"], ["explain"]),
    (["evaluate", "--s"], ["--split", "--step"]), (["evaluate", "r"], ["runs"]),
    (["evaluate", "runs", "--split", ""], ["test", "train", "validation"]),
    (["evaluate", "--split", "=", "v"], ["validation"]), (["train", "--out", "r"], ["runs"]),
    (["train", "--name", "t"], []), (["train", "tiny.yaml", "training.st"], ["training.steps="]),
    (["train", "--name", "t", "tiny.yaml", "training.seed", "=", "1", "training.thr"], ["training.threads="]),
    (["train", "tiny.yaml", "training.seed", "="], []),
    (["config", "explain", "tiny.yaml", "training.see"], ["training.seed"]),
    // The keys are those of the config's own choices.
    (["train", "tiny.yaml", "dataset.dia"], ["dataset.diameter.largest=", "dataset.diameter.smallest="]),
    (["data", "preview", "multi-"], ["multi-mnist", "multi-sprites", "multi-dsprites"]),
    (["help", "ev"], ["evaluate"]),
    (["completions", ""], ["bash", "zsh"]), (["runs", "r"], ["regularizers=", "runs"]), (["runs", "di"], ["diff"]),
    (["runs", "runs", "--format", "c"], ["csv"]), (["runs", "training.se"], ["training.seed="]),
    (["runs", "diff", "runs", "r"], ["runs"]), (["no-such-command", ""], []), (["--v"], ["--version"]),
  ])
  func bashCompletes(words: [String], expected: [String]) throws {
    let quoted = (["airframe"] + words).map { "'\($0)'" }.joined(separator: " ")
    let output = try run(
      "/bin/bash",
      """
      \(try script("bash"))
      COMP_WORDS=(\(quoted))
      COMP_CWORD=\(words.count)
      _airframe
      printf '%s\\n' "${COMPREPLY[@]}"
      """)
    #expect(Set(output.split(separator: "\n").map(String.init)) == Set(expected), "\(output)")
  }

  @Test func bashIsToldWhoCompletes() throws {
    let output = try run("/bin/bash", "\(try script("bash"))\ncomplete -p airframe")
    #expect(output == "complete -F _airframe airframe\n")
  }

  @Test func zshIsOfferedEveryCommandWithItsOptions() throws {
    let script = try script("zsh")
    #expect(script.hasPrefix("#compdef airframe\n"))
    for part in [
      "'train:train a model from a config file'", "\"airframe config explain\")", "'1:CONFIG:_files -g \"*.yaml\"'",
      "'--split=[which scenes]:SPLIT:(train validation test)'", "'--resume=[", "'--json[print one line of JSON]'",
    ] {
      #expect(script.contains(part), "\(part)")
    }
    // zsh itself is not everywhere.
    if FileManager.default.isExecutableFile(atPath: "/bin/zsh") {
      try folder.write(script.utf8, to: "_airframe")
      #expect(try run("/bin/zsh", "zsh -n _airframe") == "")
    }
  }
}
