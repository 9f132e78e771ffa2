import Foundation
import Pictures
import Testing

/// The program, as a shell would run it.
struct CommandLineTests {
  private let folder: TemporaryFolder
  private let config: String

  init() throws {
    folder = try TemporaryFolder()
    config = try folder.write(tinyConfig.utf8, to: "tiny.yaml")
  }

  /// Runs `airframe`, which is built beside the tests.
  private func airframe(_ words: String...) throws -> Program.Outcome { try run(words) }

  private func run(_ words: [String]) throws -> Program.Outcome {
    let outcome = try Program.run(words, in: folder.path)
    #expect(!outcome.wasKilled, "\(words)")
    return outcome
  }

  /// The first words of the indented lines of a help text: commands, words or options.
  private func listed(_ help: String) -> [String] {
    help.split(separator: "\n").filter { $0.hasPrefix("  ") && !$0.hasPrefix("    ") }
      .compactMap { $0.split(separator: " ").first.map(String.init) }
  }

  @Test func helpGoesToTheOutputWithStatusZero() throws {
    for words in [["--help"], ["-h"], []] {
      let help = try run(words)
      #expect(help.status == 0 && help.output.contains("usage: airframe COMMAND") && help.messages.isEmpty)
    }
    let commands = listed(try airframe("--help").output)
    #expect(Set(["train", "evaluate", "figure", "config", "data", "bench", "export-step"]).isSubset(of: commands))
    for command in commands {
      let help = try airframe(command, "--help")
      #expect(help.status == 0 && help.output.hasPrefix("usage: airframe \(command) "), "\(command)")
      #expect(help.output.contains("example: airframe \(command) ") && help.messages.isEmpty, "\(command)")
      #expect(try airframe("help", command).output == help.output)
      #expect(help.output.split(separator: "\n").allSatisfy { $0.count <= 120 }, "\(command)")
    }
  }

  @Test func everyActionHasAHelpOfItsOwn() throws {
    for (command, actions) in [
      ("config", ["check", "show", "explain", "keys", "schema"]), ("data", ["list", "fetch", "preview"]),
      ("figure", ["curves", "csv"]), ("runs", ["diff"]),
    ] {
      #expect(Array(listed(try airframe(command, "--help").output).prefix(actions.count)) == actions)
      for action in actions {
        let help = try airframe(command, action, "--help")
        #expect(help.status == 0 && help.output.hasPrefix("usage: airframe \(command) \(action)"))
        #expect(help.output.contains("example: airframe \(command) \(action)"))
        #expect(try airframe("help", command, action).output == help.output)
      }
    }
  }

  @Test func helpListsEveryWordAndOptionWithItsMeaning() throws {
    let help = try airframe("data", "preview", "--help").output
    for line in [
      "  DATASET    a dataset: multi-mnist, multi-sprites, multi-dsprites, omniglot, hanzi, casia-gnt, images",
      "  --out FILE.png   the picture to write (required)",
      "  --split SPLIT    which scenes: train, validation, test (default: train)",
      "  --count N        how many scenes, from 1 to 256 (default: 16)",
    ] {
      #expect(help.contains(line + "\n"), "\(help)")
    }
    #expect(
      help.hasPrefix(
        "usage: airframe data preview (DATASET | --config CONFIG) --out FILE.png [key=value ...] [--replace]\n"))
  }

  /// An option that no command has is refused last, so all others of an example are known.
  @Test func everyExampleIsMadeOfKnownOptions() throws {
    let commands = listed(try airframe("--help").output)
    let lines = try commands.flatMap { command in
      let help = try airframe(command, "--help").output.split(separator: "\n")
      let actions = help.compactMap { line in
        line.firstRange(of: "airframe \(command) ").map { line[$0.upperBound...].prefix { $0.isLowercase } }
      }
      let helps = try ([""] + Set(actions).filter { !$0.isEmpty }).map { try airframe("help", command, String($0)) }
      return helps.flatMap {
        $0.output.split(separator: "\n").filter { $0.hasPrefix("example: ") }.map { $0.dropFirst(9) }
      }
    }
    #expect(lines.count > 12)
    for line in lines {
      let words = line.components(separatedBy: " > ")[0]
      let outcome = try Program.run(
        ["-c", "\(words) --no-such-option"], in: folder.path,
        environment: ["PATH": "\(URL(fileURLWithPath: Program.path).deletingLastPathComponent().path):/bin"],
        program: "/bin/bash")
      #expect(outcome.status == 2, "\(line)")
      #expect(outcome.messages.hasPrefix("airframe: unknown option --no-such-option"), "\(outcome.messages)")
    }
  }

  @Test func theVersionIsTold() throws {
    let version = try airframe("--version")
    #expect(version.status == 0 && version.output == "airframe 0.3.0\n")
  }

  @Test func anUnknownCommandIsAnUnusableArgument() throws {
    let outcome = try airframe("trian", config)
    #expect(outcome.status == 2 && outcome.output.isEmpty)
    #expect(outcome.messages.hasPrefix("airframe: unknown command 'trian'; did you mean 'train'?\n"))
    #expect(outcome.messages.contains("  evaluate "))
    let action = try airframe("config", "chekc", config)
    #expect(
      action.status == 2 && action.messages.hasPrefix("airframe: unknown action 'chekc'; did you mean 'check'?\n"))
    #expect(action.messages.contains("airframe config schema"))
    #expect(try airframe("data").messages.hasPrefix("airframe: no action given\nusage: airframe data list"))
  }

  @Test(arguments: [
    (["train", "--nmae", "a", "c"], "unknown option --nmae; did you mean '--name'? (options: --row, --out, "),
    (["train", "--zzz=1", "c"], "unknown option --zzz (options: "), (["train", "-n", "c"], "unknown option -n"),
    (["train"], "CONFIG is missing"), (["train", ""], "CONFIG is empty"),
    (["train", "c", "--name"], "--name needs a value: --name NAME"),
    (["train", "c", "--name", "--out", "d"], "--name needs a value, and '--out' looks like an option"),
    (["train", "c", "--name", ""], "--name: the value is empty"), (["train", "c", "--name="], "the value is empty"),
    (["train", "c", "--name", "a", "--name=b"], "--name is given twice"),
    (["train", "c", "more"], "'more' is one word too many"), (["train", "c", "--", "-x"], "'-x' is one word too many"),
    (["train", "c", "--threads", "-1"], "--threads -1: a whole number from 1 to 256 is wanted"),
    (["train", "c", "--threads=x"], "--threads x: a whole number"),
    (["train", "c", "--resume", "r"], "--resume is in the place of CONFIG; leave 'c' out"),
    (["train", "--resume", "r", "--name", "n"], "--name is for new runs"),
    (
      ["evaluate", "r", "--split", "tset"],
      "--split tset: unknown; did you mean 'test'? (known: train, validation, test)"
    ),
    (["evaluate", "r", "--step", "1.5"], "--step 1.5: a whole number from 0 on is wanted"),
    (["export-step", "c"], "--out FILE is missing"), (["bench", "dari"], "NAME 'dari': unknown; did you mean 'dair'?"),
    (["bench", "air", "--json=1"], "--json takes no value"),
    (["data", "list", "a=1"], "'a=1': no keys can be set here"),
    (["data", "list", "more"], "'more' is one word too many"),
    (["data", "preview", "--out", "a.png"], "DATASET is missing"),
    (["figure", "curves", "r"], "--out or --csv is missing"), (["figure", "curves"], "RUN is missing"),
  ])
  func unusableArgumentsAreNamedWithTheRightOnes(words: [String], message: String) throws {
    let outcome = try run(words)
    #expect(outcome.status == 2 && outcome.output.isEmpty)
    #expect(outcome.messages.hasPrefix("airframe: ") && outcome.messages.contains(message), "\(outcome.messages)")
    let title = "airframe \(["data", "figure"].contains(words[0]) ? "\(words[0]) \(words[1])" : words[0])"
    #expect(outcome.messages.contains("\nusage: \(title) ") && outcome.messages.contains("`\(title) --help` says more"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["tiny.yaml"])
  }

  @Test func whatIsWrongWithFilesIsAnUnusableArgumentToo() throws {
    for (words, message) in [
      (["evaluate", folder.path], "there is no run here"), (["train", "nothing.yaml"], "nothing.yaml"),
      // Before the sign stands a path, so this is a file, not a key.
      (["train", "no/such=1.yaml"], "no/such=1.yaml"), (["train", "--", "no=1.yaml"], "'no=1.yaml'"),
    ] {
      let outcome = try run(words)
      #expect(outcome.status == 2 && outcome.messages.contains(message), "\(outcome.messages)")
    }
  }

  @Test func valuesMayFollowASignAndThreadsAreAnOverride() throws {
    let outcome = try airframe("train", config, "--name=x", "--out=o", "training.steps=1", "--threads", "3")
    #expect(outcome.status == 0, "\(outcome.messages)")
    let run = try #require(outcome.output.split(separator: "\n").first { $0.hasPrefix("run o/") }?.dropFirst(4))
    #expect(run.hasSuffix("/x"))
    let text = try String(contentsOfFile: "\(folder.path)/\(run)/config.yaml", encoding: .utf8)
    #expect(text.contains("threads: 3\n"))
  }

  @Test func aMisspeltKeyIsNamedWithItsPlaceAndTheNearestKey() throws {
    try folder.write("model:\n  name: air\n  controller:\n    hiden: 8\n".utf8, to: "wrong.yaml")
    for words in [["train"], ["config", "check"]] {
      let outcome = try run(words + ["wrong.yaml"])
      #expect(outcome.status == 2 && outcome.output.isEmpty)
      #expect(outcome.messages.hasPrefix("airframe: wrong.yaml:4:5: unknown key 'hiden'"), "\(outcome.messages)")
      #expect(outcome.messages.contains("did you mean 'hidden'?"))
    }
    let override = try airframe("train", config, "training.setps=3")
    #expect(override.status == 2 && override.messages.contains("did you mean 'steps'?"))
  }

  @Test func missingDataIsNamedWithTheCommandThatFetchesIt() throws {
    let outcome = try airframe("train", "\(repository)/configs/air/multi-mnist.yaml", "--data", "\(folder.path)/none")
    #expect(outcome.status == 2)
    #expect(
      outcome.messages.contains("\(folder.path)/none/mnist/") && outcome.messages.contains("airframe data fetch mnist"))
    #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/runs"))
  }

  /// Two processes with two threads each, then an evaluation of what they left.
  @Test func aTrainingIsTheSameInEveryProcessAndItsRunIsEvaluated() throws {
    let overrides = [
      "training.threads=2", "training.batch=48", "model.controller.hidden=64", "training.steps=12",
    ]
    var runs: [String] = []
    for name in ["first", "second"] {
      let outcome = try run(["train", config, "--name", name] + overrides)
      #expect(outcome.status == 0, "\(outcome.messages)")
      let line = try #require(outcome.output.split(separator: "\n").first { $0.hasPrefix("run ") })
      #expect(outcome.output.hasPrefix("nelbo "))
      runs.append("\(folder.path)/\(line.dropFirst(4))")
    }
    for file in [
      "metrics.jsonl", "checkpoints/step-8.safetensors", "checkpoints/step-12.safetensors", "images/step-12.png",
    ] {
      let bytes = try runs.map { try Data(contentsOf: URL(fileURLWithPath: "\($0)/\(file)")) }
      #expect(bytes[0] == bytes[1], "\(file)")
    }
    let evaluation = try airframe("evaluate", runs[0], "--step", "8")
    #expect(evaluation.status == 0 && evaluation.output.hasPrefix("step 8\nnelbo "), "\(evaluation.messages)")
    #expect(try airframe("evaluate", runs[0], "--step", "9").status == 2)
    #expect(try airframe("train", config, "--name", "first").status == 2)
  }

  @Test func ownImagesAreExplainedAndScenesAreDrawn() throws {
    #expect(try airframe("train", config, "--name", "own", "training.steps=2").status == 0)
    let run = try #require(
      FileManager.default.subpathsOfDirectory(atPath: "\(folder.path)/runs").first { $0.hasSuffix("/own") })
    try folder.write(try Picture(width: 16, height: 16, channels: 1, fill: 90).png(), to: "photo.png")
    let printed = try airframe("infer", "runs/\(run)", "photo.png", "--format", "csv")
    #expect(printed.status == 0 && printed.output.hasPrefix("image,step,presence,left,"), "\(printed.messages)")
    let written = try airframe("infer", "runs/\(run)", "photo.png", "--out", "photo.json")
    #expect(written.status == 0 && written.output == "photo.json\n")
    let drawn = try airframe("sample", "runs/\(run)", "--objects", "1", "--count", "3", "--out", "scenes.png")
    #expect(drawn.status == 0 && drawn.output == "scenes.png\n", "\(drawn.messages)")
    let before = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix("no") }
    for (words, message) in [
      (["infer", "runs/\(run)"], "FILE is missing"),
      (["infer", "runs/\(run)", "photo.png", "--format", "xml"], "--format xml: unknown (known: json, csv, npz)"),
      (["infer", "runs/\(run)", "photo.png", "--format", "npz"], "--out FILE is missing"),
      (["infer", "runs/\(run)", "none.png", "--out", "no.json"], "none.png: no such file or folder"),
      (["sample", "runs/\(run)"], "--out FILE is missing"),
      (["sample", "runs/\(run)", "--out", "no.png", "--objects", "3"], "at most 2 objects"),
      (["sample", "runs/\(run)", "--out", "no.png", "--count", "0"], "--count 0: a whole number"),
    ] {
      let outcome = try self.run(words)
      #expect(outcome.status == 2 && outcome.messages.contains(message), "\(outcome.messages)")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix("no") } == before)
  }

  @Test func everyKeyIsShownAndWhatIsShownIsFine() throws {
    let shown = try airframe("config", "show", config, "training.seed=7")
    #expect(shown.status == 0 && shown.output.contains("seed: 7") && shown.output.contains("keep_checkpoints: 3"))
    try folder.write(shown.output.utf8, to: "shown.yaml")
    let checked = try airframe("config", "check", "shown.yaml")
    #expect(checked.status == 0 && checked.output == "shown.yaml: fine\n" && checked.messages.isEmpty)
  }

  @Test func aValueIsExplainedWithItsSource() throws {
    try folder.write("extends: tiny.yaml\ntraining: { batch: 8 }\n".utf8, to: "mine.yaml")
    let outcome = try airframe("config", "explain", "mine.yaml", "training.batch", "training.seed", "training.seed=3")
    #expect(
      outcome.output == """
        training.batch: 8
          meaning: images a step
          expects: integer, 1 to 65536
          set by:  mine.yaml:2:20
          replaces 4 of tiny.yaml:17:31
          replaces 64, the default
        training.seed: 3
          meaning: seed of initial values, noise and the order of scenes
          expects: integer, 0 to 9007199254740992
          set by:  override 'training.seed=3'
          replaces 0, the default

        """)
    let unknown = try airframe("config", "explain", "mine.yaml", "training.sede")
    #expect(unknown.status == 2 && unknown.messages.contains("did you mean 'seed'?"))
    let section = try airframe("config", "explain", "mine.yaml", "training").output.split(separator: "\n")
    let keys = try airframe("config", "keys", "mine.yaml").output.split(separator: "\n")
    #expect(section.count == keys.filter { $0.hasPrefix("training.") }.count)
  }

  @Test func aRowOfAnExperimentIsAConfig() throws {
    try folder.write("base: tiny.yaml\nrows:\n  wide: { model: { glimpse: 7 } }\n".utf8, to: "rows.yaml")
    #expect(try airframe("config", "show", "rows.yaml", "--row", "wide").output.contains("  glimpse: 7\n"))
    let explained = try airframe("config", "explain", "rows.yaml", "model.glimpse", "--row=wide").output
    #expect(explained.contains("set by:  rows.yaml:3:29\n  replaces 6 of tiny.yaml:4:"), "\(explained)")
    #expect(
      try airframe("config", "check", "rows.yaml", "--row", "wdie").messages.contains(
        "no row 'wdie'; did you mean 'wide'? (rows: wide)"))
  }

  @Test func runsAreListedAndCompared() throws {
    for (index, name) in ["one", "two"].enumerated() {
      try FileManager.default.createDirectory(
        atPath: "\(folder.path)/runs/\(name)", withIntermediateDirectories: true)
      try folder.write("training: { seed: \(index) }\n".utf8, to: "runs/\(name)/config.yaml")
    }
    let list = try airframe("runs", "--sort", "-training.seed", "--columns", "run,training.seed", "--format=csv")
    #expect(list.status == 0 && list.output == "run,training.seed\ntwo,1\none,0\n", "\(list.messages)")
    let one = try airframe("runs", "training.seed=0")
    #expect(one.output.contains("\none ") && !one.output.contains("two") && one.messages.isEmpty)
    let none = try airframe("runs", "training.seed=7")
    #expect(none.status == 0 && none.output.isEmpty && none.messages.contains("none of the 2 runs"))
    let difference = try airframe("runs", "diff", "runs/one", "runs/two")
    #expect(difference.output.hasPrefix("config         one  two\ntraining.seed  0    1\n"), "\(difference.messages)")
    try folder.write("{".utf8, to: "runs/two/status.json")
    let broken = try airframe("runs")
    #expect(broken.status == 0 && broken.output.contains("\ntwo "))
    #expect(broken.messages.contains("warning: runs/two/status.json: is not JSON"))
    #expect(try airframe("runs", "nowhere").status == 2)
  }
}
