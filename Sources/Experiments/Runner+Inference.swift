import Configuration
import Datasets
import Inference
import Models
import Pictures
import Tensors

/// Uses trained models: to analyze the user's images, and to generate scenes.
extension Runner {
  /// Analyzes the user's images with a run's model, taken from the newest checkpoint or from the one after `step`
  /// steps.
  ///
  /// `files` are PNG files, folders of them, and NPZ files (see `ImageCollection`), with the image size of the
  /// training. Colors are converted to luma for a gray model, and gray images are repeated for a color model. `maximum`
  /// is the stored value of white (see `ImageCollection`). By default it is the one of the training images. No files of
  /// the dataset are read.
  ///
  /// Throws `RunError`, `DatasetError`, `FileError` or `PictureError` for unusable input.
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

  /// Samples scenes from a run's model. Counts come from the prior at the end of its schedules, or are `objects` for
  /// every scene. Positions and appearances come from their priors, and are decoded.
  ///
  /// Throws `RunError` if there are more objects than the model has steps, and for a run that cannot be used.
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

  /// Draws a scene described by the user (`SceneFile`) with a run's model. The result has shape [1, channel, height,
  /// width].
  ///
  /// Throws `ConfigurationError` for a scene that cannot be used, and `RunError` for a run that cannot be used.
  public static func compose(run path: String, scene: String, step: Int?, dataFolder: String) throws -> Tensor {
    let (model, shape) = try ModelFigures.drawing(path, step: step, dataFolder: dataFolder)
    return model.scene(try SceneFile.objects(of: scene, for: model, height: shape.height, width: shape.width))
  }

  /// The workbench of a run with the parameters of a checkpoint, and the step of that checkpoint.
  static func trained(_ path: String, step: Int?, dataFolder: String) throws -> (Workbench, step: Int) {
    let folder = try RunFolder(opening: path)
    let config = try folder.config()
    try Threads.use(config.training.threads)
    let workbench = try Workbench(withoutScenes: config, dataFolder: dataFolder)
    return (workbench, try restore(workbench, of: folder, step: step))
  }
}

extension Tensor {
  /// Images [image, channel, height, width] in an almost square grid, as the bytes of a PNG. Throws `PictureError`.
  public func png() throws -> [UInt8] { try grid.png() }

  /// The images under the name `images`, as the bytes of an NPZ file. Throws `FileError`.
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
  /// The images in an almost square grid, each enlarged to about 200 pixels, as the bytes of a PNG. Throws
  /// `PictureError`.
  public func png() throws -> [UInt8] { try grid.png() }

  var grid: Picture { reconstruction.grid }

  /// `images` `[image, channel, height, width]` and `count` `[image]`, as the bytes of an NPZ file. Throws `FileError`.
  public func npz() throws -> [UInt8] {
    try NPZ.bytes([
      ("images", NPY(shape: reconstruction.shape, .float32(reconstruction.array()))),
      ("count", NPY(shape: [scenes.count], .int64(scenes.map { Int64($0.count) }))),
    ])
  }
}
