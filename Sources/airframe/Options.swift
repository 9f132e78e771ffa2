import Experiments
import Glibc

// Arguments and options that several commands share.

extension Word {
  static let config = Word("CONFIG", .file(ending: "yaml"), "a config file")
  static let experiment = Word("EXPERIMENT", .file(ending: "yaml"), "an experiment file")
  static let run = Word("RUN", .run, "the folder of a run")
}

extension Option {
  static let data = Option(
    "data", "DIR", .folder, "the folder with datasets", standard: "the environment variable AIRFRAME_DATA, else data")
  static let checkpoint = Option(
    "step", "N", .integer(0...Int.max), "the checkpoint after N training steps", standard: "the newest")
  static let budget = Option("budget", "NAME", .text, "a budget of the experiment file")
  static let row = Option("row", "ROW", .text, "one row of CONFIG, which is an experiment file then")

  static func threads(standard: String) -> Option {
    Option("threads", "N", .integer(1...256), "threads of matrix products", standard: standard)
  }

  static func split(standard: String) -> Option {
    Option("split", "SPLIT", .choice(splitNames), "which scenes", standard: standard)
  }
}

extension Arguments {
  /// The folder with datasets: `--data` if given, otherwise AIRFRAME_DATA if set, otherwise `data`.
  var dataFolder: String { self[.data] ?? getenv("AIRFRAME_DATA").map { String(cString: $0) } ?? "data" }
}

extension Keys {
  static let config = Keys(meaning: "sets any key of the config: training.seed=1, model.controller.hidden=128")
}
