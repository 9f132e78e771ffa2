import Configuration
import Datasets
import Glibc
import Models
import Pictures
import Scenes
import Tensors

/// The papers' figures of a trained model: its memory, its attributes, and scenes that the user describes.
public enum ModelFigures {
  private static let margin = 24

  /// One row of sampled objects for every category or memory slot, with the first column without noise (Min et al. 2020,
  /// figures 5 and 6).
  ///
  /// Throws `RunError` for a model without categories, and for a run that cannot be used.
  public static func memory(
    run: String, step: Int?, samples: Int, rows: Int?, seed: Int, dataFolder: String, to out: OutputFile
  ) throws {
    let (model, _) = try drawing(run, step: step, dataFolder: dataFolder)
    try requireCategories(of: model, run)
    let kinds = min(rows ?? model.categories, model.categories)
    let noise = RandomStream(seed: seed).child("memory").normals([kinds * samples, model.attributes]).array()
    let objects = (0..<kinds * samples).map { index in
      let own = noise[index * model.attributes..<(index + 1) * model.attributes]
      return ChosenObject(category: index / samples, attributes: index % samples == 0 ? [] : Array(own))
    }
    try write(grid(model.patches(objects), columns: samples, rowNames: (0..<kinds).map(String.init)), to: out)
  }

  /// Every category, with one attribute varying from -`reach` to `reach` standard deviations (Wang et al. 2019,
  /// figure 9).
  ///
  /// Throws `RunError` for an attribute that does not exist, and for a run that cannot be used.
  public static func attributes(
    run: String, step: Int?, attribute: Int, columns: Int, reach: Double, dataFolder: String, to out: OutputFile
  ) throws {
    let (model, _) = try drawing(run, step: step, dataFolder: dataFolder)
    guard attribute < model.attributes else {
      throw RunError(
        "\(run): this model has \(model.attributes) attributes"
          + (model.attributes > 0
            ? " (0 to \(model.attributes - 1)), not attribute \(attribute)" : ", so none can be moved"))
    }
    let kinds = max(1, model.categories)
    let objects = (0..<kinds * columns).map { index in
      let share = columns == 1 ? 0.5 : Double(index % columns) / Double(columns - 1)
      var values = [Float](repeating: 0, count: attribute + 1)
      values[attribute] = Float(reach * (2 * share - 1))
      return ChosenObject(category: model.categories > 0 ? index / columns : nil, attributes: values)
    }
    try write(grid(model.patches(objects), columns: columns, rowNames: (0..<kinds).map(String.init)), to: out)
  }

  /// A scene described by the user as it is composed, object by object (Wang et al. 2019, figure 6).
  ///
  /// Throws the errors of reading the scene file and the run.
  public static func generate(run: String, step: Int?, scene: String, dataFolder: String, to out: OutputFile) throws {
    let (model, shape) = try drawing(run, step: step, dataFolder: dataFolder)
    let objects = try SceneFile.objects(of: scene, for: model, height: shape.height, width: shape.width)
    let stages = (1...objects.count).map { model.scene(Array(objects.prefix($0))) }
    let zoom = max(1, min(4, 200 / max(shape.height, shape.width)))
    let pictures = stages.flatMap { SceneGrid.pictures($0) }.map { $0.enlarged(by: zoom) }
    try write(Picture.grid(pictures, columns: min(pictures.count, 8)), to: out)
  }

  /// A run's model, which must be able to draw given objects, and the size of its images.
  static func drawing(_ run: String, step: Int?, dataFolder: String) throws -> (
    model: any ObjectDrawing, shape: SceneShape
  ) {
    let (workbench, _) = try Runner.trained(run, step: step, dataFolder: dataFolder)
    guard let model = workbench.model as? any ObjectDrawing else {
      throw RunError("\(run): model '\(workbench.config.model.name)' does not draw objects one by one")
    }
    let dataset = workbench.dataset
    return (model, SceneShape(channels: dataset.channels, height: dataset.height, width: dataset.width))
  }

  private static func requireCategories(of model: any ObjectDrawing, _ run: String) throws {
    guard model.categories == 0 else { return }
    throw RunError(
      "\(run): this model has neither categories nor a memory; runs of discrete-air and dm-vae have "
        + "(`airframe figure attributes` moves continuous latents of any model)")
  }

  /// Patches in rows of `columns`, each row preceded by its name.
  private static func grid(_ patches: Tensor, columns: Int, rowNames: [String]) -> Picture {
    let zoom = max(1, 56 / patches.shape[2])
    let cells = SceneGrid.pictures(patches).map { $0.enlarged(by: zoom) }
    let grid = Picture.grid(cells, columns: columns).rgb()
    var picture = Picture(width: grid.width + margin, height: grid.height, channels: 3)
    picture.paste(grid, x: margin, y: 0)
    let height = (grid.height + 2) / max(1, rowNames.count)
    for (row, name) in rowNames.enumerated() {
      let top = row * height + (height - Picture.textHeight()) / 2
      picture.drawText(name, x: 4, y: top, color: Color.palette[row % Color.palette.count])
    }
    return picture
  }

  static func write(_ picture: Picture, to out: OutputFile) throws { try out.write(picture) }
}
