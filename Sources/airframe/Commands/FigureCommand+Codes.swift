import Experiments

/// Figures for models with codes (Nash et al. 2017).
extension Command {
  static let ofCodes = [information, objects, exchange, traversals, reconstructions]

  private static let information = Command(
    name: "information", summary: "where a model of places has something to say",
    details: """
      A row for each test scene: image, reconstruction, and the KL of every place's code, white where it is highest.
      """,
    words: [.run], options: [.picture, .replace, .scenes, .checkpoint, .data],
    example: "airframe figure information runs/mvae-multi-dsprites/seed-0 --step 20000 --out information.png",
    computes: true
  ) { arguments in
    let out = try arguments.requiredOutput(.picture, as: [.png])
    try CodeFigures.information(
      run: try arguments.one(.run), step: arguments.integer(.checkpoint), count: arguments.integer(.scenes) ?? 8,
      dataFolder: arguments.dataFolder, to: out)
    try print(out.path)
  }

  private static let objects = Command(
    name: "objects", summary: "scenes decoded object by object",
    details: "A row for each test scene: image, then what its first code, its first two codes and so on decode to.",
    words: [.run], options: [.picture, .replace, .scenes, .checkpoint, .data],
    example: "airframe figure objects runs/mvae-multi-dsprites/seed-0 --out objects.png", computes: true
  ) { arguments in
    let out = try arguments.requiredOutput(.picture, as: [.png])
    try CodeFigures.objects(
      run: try arguments.one(.run), step: arguments.integer(.checkpoint), count: arguments.integer(.scenes) ?? 8,
      dataFolder: arguments.dataFolder, to: out)
    try print(out.path)
  }

  private static let exchange = Command(
    name: "exchange", summary: "two scenes exchange an object",
    details: """
      For pairs of test scenes the codes of highest KL change places. Draws the first pairs, a row each: both scenes, both
      reconstructions, both after the exchange, and both as they would truly be. Prints the share of pairs whose two scenes
      come closer to the truth than to either input (of scenes with one object each, than to their own input).
      """,
    words: [.run], options: [.picture, .replace, .pairs, .shown, .figureSeed, .checkpoint, .data],
    example: "airframe figure exchange runs/mvae-multi-dsprites/seed-0 --out exchange.png", computes: true
  ) { arguments in
    let out = try arguments.requiredOutput(.picture, as: [.png])
    let outcome = try EntityExchange.write(
      run: try arguments.one(.run), step: arguments.integer(.checkpoint), pairs: arguments.integer(.pairs) ?? 500,
      rows: arguments.integer(.shown) ?? 10, seed: arguments.integer(.figureSeed) ?? 0,
      dataFolder: arguments.dataFolder, to: out)
    try print(out.path)
    try print("exchanges", outcome.pairs)
    try print("exchange_share", outcome.share)
    try print("of_single_objects", outcome.single, "succeeding", outcome.singleSuccesses)
  }

  private static let traversals = Command(
    name: "traversals", summary: "a scene while one number of a code moves",
    details: """
      A row for each number of the code that varies most over test scenes; from left to right it goes from -2.25 to 2.25
      deviations of its prior, while all else is held.
      """,
    words: [.run], options: [.picture, .replace, .chosenScene, .object, .numbers, .figureColumns, .checkpoint, .data],
    example: "airframe figure traversals runs/mvae-multi-dsprites/seed-0 --scene 3 --out traversals.png",
    computes: true
  ) { arguments in
    let out = try arguments.requiredOutput(.picture, as: [.png])
    try CodeFigures.traversals(
      run: try arguments.one(.run), step: arguments.integer(.checkpoint), scene: arguments.integer(.chosenScene) ?? 0,
      object: arguments.integer(.object) ?? 0, rows: arguments.integer(.numbers) ?? 12,
      columns: arguments.integer(.figureColumns) ?? 9, dataFolder: arguments.dataFolder, to: out)
    try print(out.path)
  }

  private static let reconstructions = Command(
    name: "reconstructions", summary: "test scenes, their reconstructions, and samples",
    words: [.run], options: [.picture, .replace, .scenes, .figureSeed, .checkpoint, .data],
    example: "airframe figure reconstructions runs/mvae-multi-dsprites/seed-0 --out reconstructions.png",
    computes: true
  ) { arguments in
    let out = try arguments.requiredOutput(.picture, as: [.png])
    try CodeFigures.reconstructions(
      run: try arguments.one(.run), step: arguments.integer(.checkpoint), count: arguments.integer(.scenes) ?? 8,
      seed: arguments.integer(.figureSeed) ?? 0, dataFolder: arguments.dataFolder, to: out)
    try print(out.path)
  }
}

extension Option {
  fileprivate static let pairs = Option("pairs", "N", .integer(1...100_000), "pairs of scenes", standard: "500")
  fileprivate static let shown = Option("rows", "N", .integer(1...100), "pairs that are drawn", standard: "10")
  fileprivate static let chosenScene = Option(
    "scene", "N", .integer(0...1_000_000), "the test scene, from 0", standard: "0")
  fileprivate static let object = Option(
    "object", "N", .integer(0...254), "the code, from 0, in the order of their KLs", standard: "0")
  fileprivate static let numbers = Option("rows", "N", .integer(1...4096), "numbers of the code", standard: "12")
}
