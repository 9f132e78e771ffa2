import Experiments
import Glibc

extension Command {
  static let data = Command(
    name: "data", summary: "list, fetch and preview datasets",
    help: """
      usage: airframe data list [--data DIR]
                 every dataset, what it needs, and whether that is there
             airframe data fetch NAME [--from URL] [--data DIR]
                 download what datasets need (\(dataSources.map(\.name).joined(separator: ", "))) by curl, checked by sha256sum
             airframe data preview DATASET --out FILE.png [--split train|validation|test] [--count N] [key=value ...]
                 draw scenes with their true boxes and counts; key=value sets the dataset's keys
             airframe data preview --config CONFIG --out FILE.png ...
                 the same for the dataset of a config

      DIR is the data folder (default: the environment variable AIRFRAME_DATA, else data). Files go into DIR/NAME; those that
      are there are left alone. --from names another folder with the files than the public mirrors: https://HOST/mnist/,
      or file:///FOLDER/mnist/ where there is no network.

      example: airframe data preview multi-sprites --out sprites.png --count 9 'counts={3: 100}'
      """
  ) { words, help in
    switch words.first {
    case "list": try listData(words.dropFirst(), help)
    case "fetch": try fetchData(words.dropFirst(), help)
    case "preview": try previewData(words.dropFirst(), help)
    default:
      let problem = words.first.map { "unknown action '\($0)'" } ?? "no action given"
      throw UsageError("\(problem) (known: list, fetch, preview)\n\n\(help)")
    }
  }
}

private func listData(_ words: some Sequence<String>, _ help: String) throws {
  let arguments = try Arguments(words, options: ["data"], help: help)
  try refuseOverrides(arguments, help)
  _ = try arguments.words(help: help)
  print(try DataListing.text(dataFolder: dataFolder(arguments)))
}

private func fetchData(_ words: some Sequence<String>, _ help: String) throws {
  let arguments = try Arguments(words, options: ["data", "from"], help: help)
  try refuseOverrides(arguments, help)
  let source = try DataSource.named(try arguments.words("NAME", help: help)[0])
  let mirrors = try arguments["from"].map { [try DataFetch.mirror($0)] }
  do {
    let files = try DataFetch.run(source, into: dataFolder(arguments), from: mirrors) {
      writeToStandardError("\($0)\n")
    }
    for file in files { print(file) }
  } catch DataFetchError.interrupted {
    writeToStandardError("airframe: \(DataFetchError.interrupted)\n")
    exit(130)
  }
}

private func previewData(_ words: some Sequence<String>, _ help: String) throws {
  let arguments = try Arguments(words, options: ["out", "split", "count", "config", "data"], help: help)
  guard let out = arguments["out"] else { throw UsageError("--out FILE.png is missing\n\n\(help)") }
  let choice =
    if let config = arguments["config"] {
      try DataPreview.choice(config: config, try withoutWords(arguments, help).overrides)
    } else {
      try DataPreview.choice(dataset: try arguments.words("DATASET", help: help)[0], arguments.overrides)
    }
  try DataPreview.write(
    choice, split: try split(arguments["split"] ?? "train"), count: try arguments.integer("count", in: 1...256) ?? 16,
    dataFolder: dataFolder(arguments), to: out)
  print(out)
}

/// The arguments, if they name nothing but options and overrides.
private func withoutWords(_ arguments: Arguments, _ help: String) throws -> Arguments {
  _ = try arguments.words(help: help)
  return arguments
}

/// Throws for `key=value` where there are no keys.
private func refuseOverrides(_ arguments: Arguments, _ help: String) throws {
  guard let word = arguments.overrides.first else { return }
  throw UsageError("'\(word)': no keys can be set here\n\n\(help)")
}
