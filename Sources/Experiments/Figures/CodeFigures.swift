import Datasets
import Models
import Pictures
import Scenes
import Tensors

/// The figures of Nash et al. 2017: what the codes of a model represent.
public enum CodeFigures {
  /// A row for each of `count` test scenes: image, reconstruction, and the KL of every place's code (figure 2b), white where it
  /// is highest in the picture. Throws `RunError` for a model without places, and for a run that cannot be used.
  public static func information(run: String, step: Int?, count: Int, dataFolder: String, to out: OutputFile) throws {
    let (workbench, model) = try model(run, step: step, dataFolder: dataFolder)
    let images = try images(workbench, count)
    guard let map = model.informationMap(of: images) else {
      throw RunError("\(run): model '\(workbench.config.model.name)' has no places; runs of mvae have")
    }
    let highest = map.array().max() ?? 0
    let (rows, columns) = (map.shape[1], map.shape[2])
    let gray = map.scaled(by: highest > 0 ? 1 / highest : 0).reshaped([map.shape[0], 1, rows, columns])
    let zoom = zoom(workbench)
    let cells = zip(pictures(images), pictures(model.explain(images).reconstruction)).map { [$0, $1] }
    let maps = pictures(gray).map { $0.enlarged(by: max(1, images.shape[2] / rows)) }
    try write(zip(cells, maps).flatMap { $0 + [$1] }.map { $0.enlarged(by: zoom).rgb() }, columns: 3, to: out)
  }

  /// A row for each of `count` test scenes: image, then the reconstruction from its first code, its first two, and so on, in
  /// the order of their KLs (figure 4b).
  public static func objects(run: String, step: Int?, count: Int, dataFolder: String, to out: OutputFile) throws {
    let (workbench, model) = try model(run, step: step, dataFolder: dataFolder)
    let images = try images(workbench, count)
    let (objects, size) = (model.objects, model.codeSize)
    let codes = model.codes(of: images).means
    var columns = [pictures(images)]
    for number in 1...objects {
      let rows = (0..<images.shape[0]).flatMap { image in (0..<number).map { image * objects + $0 } }
      let first = codes.reshaped([codes.count / size, size]).gathered(rows: rows)
      columns.append(pictures(model.decoded(first, objects: number)))
    }
    try write(grid(columns, workbench), columns: objects + 1, to: out)
  }

  /// A row for each of the `rows` numbers of a code that say most of `scene`, the columns from -2.25 to 2.25 deviations of the
  /// prior, all else held (figures 4a and 5). The code is the scene's `object`-th by KL.
  /// Throws `RunError` for an object or a scene that there is not.
  public static func traversals(
    run: String, step: Int?, scene: Int, object: Int, rows: Int, columns: Int, dataFolder: String, to out: OutputFile
  ) throws {
    let (workbench, model) = try model(run, step: step, dataFolder: dataFolder)
    guard object < model.objects else {
      throw RunError(
        "\(run): this model has \(model.objects) codes a scene (0 to \(model.objects - 1)), not code \(object)")
    }
    let images = try images(workbench, scene + 1)
    guard images.shape[0] == scene + 1 else {
      throw RunError("\(run): there are \(images.shape[0]) test scenes, so none is number \(scene)")
    }
    let (objects, size) = (model.objects, model.codeSize)
    let own = model.codes(of: images).means.array().suffix(objects * size)
    // How far a number is from where it would be if it said nothing: over all scenes and codes it is spread the most.
    let all = model.codes(of: try self.images(workbench, 64)).means.array()
    let spread = (0..<size).map { index in
      stride(from: index, to: all.count, by: size).reduce(Float(0)) { $0 + all[$1] * all[$1] }
    }
    let numbers = (0..<size).sorted { spread[$0] > spread[$1] }.prefix(rows)
    let cells = numbers.flatMap { number in
      (0..<columns).map { column -> [Float] in
        var codes = Array(own)
        let share = columns == 1 ? 0.5 : Float(column) / Float(columns - 1)
        codes[object * size + number] = 2.25 * (2 * share - 1)
        return codes
      }
    }
    let decoded = model.decoded(
      Tensor(shape: [cells.count * objects, size], cells.flatMap { $0 }), objects: objects)
    try write(pictures(decoded).map { $0.enlarged(by: zoom(workbench)) }, columns: columns, to: out)
  }

  /// Three rows: test scenes, their reconstructions, samples of the prior (figure 6).
  public static func reconstructions(
    run: String, step: Int?, count: Int, seed: Int, dataFolder: String, to out: OutputFile
  ) throws {
    let (workbench, model) = try model(run, step: step, dataFolder: dataFolder)
    let images = try images(workbench, count)
    let samples = model.generate(count, objects: nil, random: RandomStream(seed: seed).child("sample"))
    let rows = [images, model.explain(images).reconstruction, samples.reconstruction]
    try write(rows.flatMap(pictures).map { $0.enlarged(by: zoom(workbench)) }, columns: images.shape[0], to: out)
  }

  /// The model of a run, if it has codes. Throws `RunError` if not.
  static func model(_ run: String, step: Int?, dataFolder: String) throws -> (Workbench, any CodeModel) {
    let folder = try RunFolder(opening: run)
    let workbench = try Workbench(try folder.config(), dataFolder: dataFolder)
    try Threads.use(workbench.config.training.threads)
    guard let model = workbench.model as? any CodeModel else {
      throw RunError(
        "\(run): model '\(workbench.config.model.name)' has no codes of objects; runs of mvae and vae have")
    }
    _ = try Runner.restore(workbench, of: folder, step: step)
    return (workbench, model)
  }

  /// The first test scenes, [count, channel, height, width].
  private static func images(_ workbench: Workbench, _ count: Int) throws -> Tensor {
    try workbench.requireScenes(of: .test)
    try workbench.dataset.prepare(.test)
    let indices = Array(0..<min(count, workbench.dataset.size(of: .test)))
    return Batch(workbench.dataset, .test, indices: indices).images
  }

  private static func pictures(_ images: Tensor) -> [Picture] { SceneGrid.pictures(images) }

  private static func zoom(_ workbench: Workbench) -> Int {
    max(1, 96 / max(workbench.dataset.height, workbench.dataset.width))
  }

  /// Columns of pictures, row by row.
  private static func grid(_ columns: [[Picture]], _ workbench: Workbench) -> [Picture] {
    columns[0].indices.flatMap { row in columns.map { $0[row].enlarged(by: zoom(workbench)) } }
  }

  private static func write(_ cells: [Picture], columns: Int, to out: OutputFile) throws {
    try ModelFigures.write(Picture.grid(cells, columns: columns), to: out)
  }
}
