import Experiments

extension Command {
  static let infer = Command(
    name: "infer", summary: "find the objects in your own images",
    details: """
      Prints for each image the number of objects, and for each object its window, boxes and latents. Images
      have the size that the model was trained on (docs/own-images.md). Without --out the results are printed.
      """,
    words: [.run, .images], options: [.format, .out, .replace, .maximum, .checkpoint, .data],
    example: "airframe infer runs/air-multi-mnist/seed-0 photo.png --format csv --out objects.csv", computes: true
  ) { arguments in
    let out = try arguments.output(.out, as: [.json, .csv, .npz], chosen: arguments[.format])
    let format = (out?.format.rawValue ?? arguments[.format]).flatMap(InferredImages.Format.init) ?? .json
    guard format != .npz || out != nil else {
      throw arguments.fault("--out FILE is missing: an NPZ file cannot be printed")
    }
    let result = try Runner.infer(
      run: try arguments.one(.run), files: arguments.all(.images), step: arguments.integer(.checkpoint),
      maximum: try arguments.maximum, dataFolder: arguments.dataFolder)
    let bytes = try result.bytes(format)
    guard let out else { return try print(String(decoding: bytes, as: UTF8.self), terminator: "") }
    try out.write(bytes)
    try print(out.path)
  }
}

extension Word {
  fileprivate static let images = Word(
    "FILE", .file(ending: ""), "a PNG file, a folder of them, an NPY file, or an NPZ file with an array `images`",
    count: .oneOrMore)
}

extension Arguments {
  /// `--maximum` as a number; nil if it is not given.
  fileprivate var maximum: Double? {
    get throws {
      guard let text = self[.maximum] else { return nil }
      guard let value = Double(text), value >= 0, value.isFinite else {
        throw fault("--maximum '\(text)': a number of 0 or more is wanted")
      }
      return value
    }
  }
}

extension Option {
  fileprivate static let maximum = Option(
    "maximum", "VALUE", .text, "the stored value that means white; 0: by type",
    standard: "that of the run's own images, else 0")
  fileprivate static let format = Option(
    "format", "FORMAT", .choice(InferredImages.Format.allCases.map(\.rawValue)), "how results are written",
    standard: "as the name of --out ends, else json")
  fileprivate static let out = Option(
    "out", "FILE", .file(ending: ""), "where results are written, .json, .csv or .npz", standard: "printed")
}
