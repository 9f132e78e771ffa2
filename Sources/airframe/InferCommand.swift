import Experiments

extension Command {
  static let infer = Command(
    name: "infer", summary: "find the objects in your own images",
    help: """
      usage: airframe infer RUN FILE ... [--format json|csv|npz] [--out FILE] [--step N]

      Prints for each image the number of objects, and for each object its window, boxes and latents. FILE is a PNG file, a
      folder of them, or an NPZ file with an array `images`, of the size that the model was trained on. Without --out the
      results are printed. --step takes the checkpoint after N steps.

      example: airframe infer runs/air-multi-mnist/seed-0 photo.png --format csv --out objects.csv
      """,
    computes: true
  ) { words, help in
    let arguments = try Arguments(words, options: ["format", "out", "step", "data"], help: help)
    guard arguments.positional.count > 1 else { throw UsageError("wanted RUN FILE ...\n\n\(help)") }
    let name = arguments["format"] ?? "json"
    guard let format = InferredImages.Format(rawValue: name) else {
      throw UsageError("--format \(name): one of json, csv, npz is wanted\n\n\(help)")
    }
    guard format != .npz || arguments["out"] != nil else {
      throw UsageError("--out FILE is missing: an NPZ file cannot be printed\n\n\(help)")
    }
    let result = try Runner.infer(
      run: arguments.positional[0], files: Array(arguments.positional.dropFirst()),
      step: try arguments.integer("step", in: 0...Int.max), dataFolder: dataFolder(arguments))
    let bytes = try result.bytes(format)
    guard let out = arguments["out"] else { return print(String(decoding: bytes, as: UTF8.self), terminator: "") }
    try Runner.write(bytes, to: out)
    print(out)
  }
}
