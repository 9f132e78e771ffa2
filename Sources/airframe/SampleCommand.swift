import Experiments

extension Command {
  static let sample = Command(
    name: "sample", summary: "draw scenes as a model expects them",
    help: """
      usage: airframe sample RUN --out FILE [--count N] [--objects N] [--seed S] [--format png|npz] [--step N]

      Draws scenes (default: 16) from the priors of a trained model and decodes them into a grid of pictures, or an NPZ file
      with `images` and `count`. The prior on counts is the one at the end of its schedule, which often expects nothing:
      --objects gives every scene as many objects. --step takes the checkpoint after N steps.

      example: airframe sample runs/air-multi-mnist/seed-0 --objects 2 --out scenes.png
      """,
    computes: true
  ) { words, help in
    let arguments = try Arguments(
      words, options: ["out", "count", "objects", "seed", "format", "step", "data"], help: help)
    let run = try arguments.words("RUN", help: help)[0]
    guard let out = arguments["out"] else { throw UsageError("--out FILE is missing\n\n\(help)") }
    let format = arguments["format"] ?? "png"
    guard ["png", "npz"].contains(format) else {
      throw UsageError("--format \(format): one of png, npz is wanted\n\n\(help)")
    }
    let scenes = try Runner.sample(
      run: run, count: try arguments.integer("count", in: 1...4096) ?? 16,
      objects: try arguments.integer("objects", in: 0...64), seed: try arguments.integer("seed", in: 0...Int.max) ?? 0,
      step: try arguments.integer("step", in: 0...Int.max), dataFolder: dataFolder(arguments))
    try Runner.write(try format == "png" ? scenes.png() : scenes.npz(), to: out)
    print(out)
  }
}
