import Experiments
import Glibc

extension Command {
  static let data = Command(
    name: "data", summary: "list, fetch and preview datasets",
    details: """
      Files of datasets go into DIR/NAME, where DIR is the data folder (default: the environment variable
      AIRFRAME_DATA, else data).
      """,
    example: dataPreview.example, actions: [dataList, dataFetch, dataPreview])

  private static let dataList = Command(
    name: "list", summary: "every dataset, what it needs, and whether that is there", options: [.data],
    example: "airframe data list"
  ) { arguments in
    try print(DataListing.text(dataFolder: arguments.dataFolder))
  }

  private static let dataFetch = Command(
    name: "fetch", summary: "download what datasets need",
    details: """
      Downloads by curl and checks by sha256sum. A file that is there and is not the published one is kept as
      NAME.old once the published one has come.
      """,
    words: [.source], options: [.from, .data], example: "airframe data fetch mnist"
  ) { arguments in
    let source = try DataSource.named(try arguments.one(.source))
    let mirrors = try arguments[.from].map { [try DataFetch.mirror($0)] }
    do {
      let files = try DataFetch.run(source, into: arguments.dataFolder, from: mirrors) {
        writeToStandardError("\($0)\n")
      }
      for file in files { try print(file) }
    } catch DataFetchError.interrupted {
      writeToStandardError("airframe: \(DataFetchError.interrupted)\n")
      exit(130)
    }
  }

  private static let dataPreview = Command(
    name: "preview", summary: "draw scenes with their true boxes and counts", words: [.dataset],
    keys: Keys(meaning: "sets a key of the dataset: side=40, 'counts={3: 100}'", areOfConfig: false),
    options: [.out, .replace, .config, .split, .count, .data],
    example: "airframe data preview multi-sprites --out sprites.png --count 9 'counts={3: 100}'"
  ) { arguments in
    let out = try arguments.requiredOutput(.out, as: [.png])
    let choice =
      if let config = arguments[.config] {
        try DataPreview.choice(config: config, arguments.keys)
      } else {
        try DataPreview.choice(dataset: try arguments.one(.dataset), arguments.keys)
      }
    try DataPreview.write(
      choice, split: try split(arguments[.split] ?? "train"), count: arguments.integer(.count) ?? 16,
      dataFolder: arguments.dataFolder, to: out)
    try print(out.path)
  }
}

extension Word {
  fileprivate static let source = Word("NAME", .choice(dataSources.map(\.name)), "what to download")
  fileprivate static let dataset = Word("DATASET", .choice(DataListing.names), "a dataset")
}

extension Option {
  fileprivate static let from = Option(
    "from", "URL", .text,
    """
    a folder with the files, in place of the public mirrors: https://HOST/mnist/,
    or file:///FOLDER/mnist/ where there is no network
    """)
  fileprivate static let out = Option(
    "out", "FILE.png", .file(ending: "png"), "the picture to write", isRequired: true)
  fileprivate static let config = Option(
    "config", "CONFIG", .file(ending: "yaml"), "take the dataset of a config", replaces: "DATASET")
  fileprivate static let split = Option.split(standard: "train")
  fileprivate static let count = Option("count", "N", .integer(1...256), "how many scenes", standard: "16")
}
