import Experiments

extension Command {
  static let config = Command(
    name: "config", summary: "check, show or explain a config; print its schema",
    example: configCheck.example, actions: [configCheck, configShow, configExplain, configKeys, configSchema])

  private static let configCheck = Command(
    name: "check", summary: "read everything, and say what is wrong, with place and remedy",
    details: "Reads a config, or all rows of an experiment file, and says what is wrong, with place and remedy.",
    words: [.config], keys: .config, options: [.row, .budget],
    example: "airframe config check configs/air/multi-mnist.yaml"
  ) { arguments in
    try print(
      ConfigReading.verdict(
        try arguments.one(.config), row: arguments[.row], budget: arguments[.budget], arguments.keys))
  }

  private static let configShow = Command(
    name: "show", summary: "every key with its value, as a config that loads", words: [.config], keys: .config,
    options: [.row, .budget],
    example: "airframe config show configs/air/multi-mnist.yaml"
  ) { arguments in
    try print(ConfigReading(arguments).text, terminator: "")
  }

  private static let configExplain = Command(
    name: "explain", summary: "where values come from, and what they replaced",
    details: """
      Says of each KEY its value, meaning and range, which file and line, override or default set it, and what
      that replaced. Of a section, one line for each key below it; without KEY, of everything.
      """,
    words: [.config, .keys], keys: .config, options: [.row, .budget],
    example: "airframe config explain configs/air/multi-mnist-gumbel.yaml training.clip_norm"
  ) { arguments in
    let reading = try ConfigReading(arguments)
    let keys = arguments.all(.keys)
    try print((keys.isEmpty ? [""] : keys).map(reading.explanation).joined(separator: "\n"))
  }

  private static let configKeys = Command(
    name: "keys", summary: "the name of every key, one a line", words: [.anyConfig], keys: .config,
    options: [.row, .budget],
    example: "airframe config keys configs/air/multi-mnist.yaml"
  ) { arguments in
    let keys =
      if let config = arguments.first(.anyConfig) {
        try ConfigReading(config, row: arguments[.row], budget: arguments[.budget], arguments.keys).keys
      } else {
        try ConfigReading(defaultsWith: arguments.keys).keys
      }
    try print(keys.joined(separator: "\n"))
  }

  private static let configSchema = Command(
    name: "schema", summary: "the JSON schema of configs, for editors",
    details: "JSON Schema draft-07, as in docs/airframe.schema.json. docs/configs.md says how editors use it.",
    options: [.experiment],
    example: "airframe config schema > airframe.schema.json"
  ) { arguments in
    try print(arguments.has(.experiment) ? ConfigReading.experimentSchema : ConfigReading.schema, terminator: "")
  }
}

extension ConfigReading {
  fileprivate init(_ arguments: Arguments) throws {
    try self.init(try arguments.one(.config), row: arguments[.row], budget: arguments[.budget], arguments.keys)
  }
}

extension Word {
  fileprivate static let keys = Word("KEY", .key, "a key or a section, such as training.optimizer", count: .any)
  fileprivate static let anyConfig = Word(
    "CONFIG", .file(ending: "yaml"), "a config file; without it, the defaults", count: .optional)
}

extension Option {
  fileprivate static let experiment = Option(flag: "experiment", "the schema of experiment files")
}
