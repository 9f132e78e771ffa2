import Configuration
import Datasets
import Inference
import Models
import Pictures
import Tensors

/// A trained model at work: on the user's own images, and drawing scenes of its own.
extension Runner {
  /// What a run's model (of the newest checkpoint, or the one after `step` steps) finds in images of the user.
  ///
  /// `files` are PNG files, folders of them, and NPZ files (see `ImageCollection`), of the size that the model was trained
  /// on; colors become luma for a gray model, gray is repeated for one of colors. `maximum` is the stored value that means
  /// white (see `ImageCollection`), by default that of the images that the model was trained on. Nothing of the dataset is
  /// read.
  /// Throws `RunError`, `DatasetError`, `FileError` or `PictureError` for what cannot be used.
  public static func infer(run path: String, files: [String], step: Int?, maximum: Double? = nil, dataFolder: String)
    throws
    -> InferredImages
  {
    let (workbench, reached) = try trained(path, step: step, dataFolder: dataFolder)
    let dataset = workbench.dataset
    let own = (workbench.config.dataset.config as? Images.Config)?.maximum
    let white = maximum ?? own ?? 0
    let collections = try files.map { file in
      try ImageCollection(
        file, channels: dataset.channels == 1 ? .gray : .color, height: dataset.height, width: dataset.width,
        maximum: white)
    }
    let shape = [dataset.channels, dataset.height, dataset.width]
    var result = InferredImages(run: path, step: reached, shape: shape)
    let images = collections.indices.flatMap { file in
      collections[file].names.indices.map { (file: file, index: $0) }
    }
    // The brightest image of each file or folder.
    var brightest = [StoredImage?](repeating: nil, count: collections.count)
    let pixels = shape.reduce(1, *)
    let size = workbench.config.evaluation.batch
    for start in stride(from: 0, to: images.count, by: size) {
      let some = images[start..<min(start + size, images.count)]
      let stored = try some.map { try collections[$0.file].image($0.index) }
      for (place, image) in zip(some, stored) where image.brightest >= brightest[place.file]?.brightest ?? 0 {
        brightest[place.file] = image
      }
      let batch = Tensor(shape: [some.count] + shape) { levels in
        for (image, start) in zip(stored, stride(from: 0, to: levels.count, by: pixels)) {
          for index in 0..<pixels { levels[start + index] = image.levels?[index] ?? Float(image.pixels[index]) / 255 }
        }
      }
      result.add(some.map { collections[$0.file].place(of: $0.index) }, workbench.model.explain(batch))
    }
    for (collection, image) in zip(collections, brightest) { try collection.checkWhite(image.map { [$0] } ?? []) }
    return result
  }

  /// Scenes as a run's model expects them: counts from its prior at the end of its schedules (or `objects` each), places
  /// and looks from their priors, decoded.
  ///
  /// Throws `RunError` for more objects than the model has steps, and for a run that cannot be used.
  public static func sample(
    run path: String, count: Int, objects: Int?, seed: Int, step: Int?, dataFolder: String
  ) throws -> SceneExplanation {
    let (workbench, _) = try trained(path, step: step, dataFolder: dataFolder)
    let steps = workbench.model.contextShape.steps
    if let objects, objects > steps {
      throw RunError("\(path): this model explains at most \(steps) objects, \(objects) were asked for")
    }
    return workbench.model.generate(count, objects: objects, random: RandomStream(seed: seed).child("sample"))
  }

  /// A scene of one's choice (`SceneFile`) as a run's model draws it, [1, channel, height, width].
  ///
  /// Throws `ConfigurationError` for a scene that cannot be used, `RunError` for a run that cannot.
  public static func compose(run path: String, scene: String, step: Int?, dataFolder: String) throws -> Tensor {
    let (model, shape) = try ModelFigures.drawing(path, step: step, dataFolder: dataFolder)
    return model.scene(try SceneFile.objects(of: scene, for: model, height: shape.height, width: shape.width))
  }

  /// The model of a run with the values of a checkpoint, and the number of steps that made them.
  static func trained(_ path: String, step: Int?, dataFolder: String) throws -> (Workbench, step: Int) {
    let folder = try RunFolder(opening: path)
    let config = try folder.config()
    try Threads.use(config.training.threads)
    let workbench = try Workbench(withoutScenes: config, dataFolder: dataFolder)
    return (workbench, try restore(workbench, of: folder, step: step))
  }
}

extension Tensor {
  /// Images [image, channel, height, width] in an almost square grid, as a PNG's bytes. Throws `PictureError`.
  public func png() throws -> [UInt8] { try grid.png() }

  /// `images` as an NPZ file's bytes. Throws `FileError`.
  public func npz() throws -> [UInt8] { try NPZ.bytes([("images", NPY(shape: shape, .float32(array())))]) }

  fileprivate var grid: Picture {
    let zoom = max(1, min(4, 200 / max(shape[2], shape[3])))
    let pictures = SceneGrid.pictures(self).map { $0.enlarged(by: zoom) }
    var columns = 1
    while columns * columns < pictures.count { columns += 1 }
    return Picture.grid(pictures, columns: columns)
  }
}

extension SceneExplanation {
  /// The images in an almost square grid, enlarged to 200 pixels or so each, as a PNG's bytes. Throws `PictureError`.
  public func png() throws -> [UInt8] { try grid.png() }

  var grid: Picture { reconstruction.grid }

  /// `images` `[image, channel, height, width]` and `count` `[image]` as an NPZ file's bytes. Throws `FileError`.
  public func npz() throws -> [UInt8] {
    try NPZ.bytes([
      ("images", NPY(shape: reconstruction.shape, .float32(reconstruction.array()))),
      ("count", NPY(shape: [scenes.count], .int64(scenes.map { Int64($0.count) }))),
    ])
  }
}
