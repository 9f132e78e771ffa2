import Experiments

extension Command {
  static let sample = Command(
    name: "sample", summary: "draw scenes as a model expects them",
    details: """
      Draws scenes from the priors of a trained model and decodes them into a grid of pictures, or an NPZ file
      with `images` and `count`. The prior on counts is the one at the end of its schedule, which often expects
      nothing: --objects gives every scene as many objects. With --scene the one scene that a file describes is
      drawn (`airframe help figure generate` shows such a file).
      """,
    words: [.run], options: [.out, .count, .objects, .scene, .seed, .format, .replace, .checkpoint, .data],
    example: "airframe sample runs/air-multi-mnist/seed-0 --objects 2 --out scenes.png", computes: true
  ) { arguments in
    let out = try arguments.requiredOutput(.out, as: [.png, .npz], chosen: arguments[.format])
    if let scene = arguments[.scene] {
      let image = try Runner.compose(
        run: try arguments.one(.run), scene: scene, step: arguments.integer(.checkpoint),
        dataFolder: arguments.dataFolder)
      try out.write(out.format == .npz ? image.npz() : image.png())
      return try print(out.path)
    }
    let scenes = try Runner.sample(
      run: try arguments.one(.run), count: arguments.integer(.count) ?? 16, objects: arguments.integer(.objects),
      seed: arguments.integer(.seed) ?? 0, step: arguments.integer(.checkpoint), dataFolder: arguments.dataFolder)
    try out.write(out.format == .npz ? scenes.npz() : scenes.png())
    try print(out.path)
  }
}

extension Option {
  fileprivate static let out = Option(
    "out", "FILE", .file(ending: ""), "where the scenes are written, .png or .npz", isRequired: true)
  fileprivate static let count = Option("count", "N", .integer(1...4096), "how many scenes", standard: "16")
  fileprivate static let objects = Option(
    "objects", "N", .integer(0...64), "objects in every scene", standard: "as the prior draws them")
  fileprivate static let scene = Option(
    "scene", "SCENE.yaml", .file(ending: "yaml"), "draw the objects that this file lists")
  fileprivate static let seed = Option("seed", "S", .integer(0...Int.max), "which scenes", standard: "0")
  fileprivate static let format = Option(
    "format", "FORMAT", .choice(["png", "npz"]), "how the scenes are written", standard: "as the name of FILE ends")
}
