import Configuration
import Datasets
import Pictures
import Scenes

/// A picture of the first scenes of a dataset, with their true objects.
public enum DataPreview {
  /// The dataset of that name, with keys set by `key=value` overrides (`counts={2: 10}`). Throws `ConfigurationError`.
  public static func choice(dataset name: String, _ overrides: [String]) throws -> Choice {
    try ConfigurationFile.load(
      RunConfig.self, text: "", name: "preview", overrides: ["dataset.name=\(name)"] + qualified(overrides)
    ).value.dataset
  }

  /// The dataset of a config file, with overrides as above. Throws `ConfigurationError`.
  public static func choice(config path: String, _ overrides: [String]) throws -> Choice {
    try Runner.check(path, qualified(overrides)).dataset
  }

  /// Writes a grid of the first `count` scenes of a split as a PNG, or of all scenes if there are fewer.
  ///
  /// Throws the dataset's errors, `RunError` for a split without scenes, and `OutputFileFailure`.
  public static func write(
    _ choice: Choice, split: Split = .train, count: Int = 16, dataFolder: String, to out: OutputFile
  ) throws {
    let dataset = try datasets.make(choice, DatasetContext(dataFolder: dataFolder))
    let size = dataset.size(of: split)
    guard size > 0 else { throw RunError("\(choice.name) has no \(split.rawValue) scenes with these settings") }
    try dataset.prepare(split)
    let scenes = (0..<min(count, size)).map { dataset.scene($0, of: split) }
    try out.write(picture(scenes))
  }

  /// Draws scenes in an almost square grid. Each scene is enlarged, with its true boxes drawn and the number of objects
  /// below.
  static func picture(_ scenes: [Scene]) -> Picture {
    var columns = 1
    while columns * columns < scenes.count { columns += 1 }
    return Picture.grid(scenes.map(picture), columns: columns)
  }

  /// The height of the strip below a scene, in pixels.
  static let stripHeight = 13

  private static func picture(_ scene: Scene) -> Picture {
    let zoom = zoom(of: scene)
    var image = pixels(of: scene).enlarged(by: zoom).rgb()
    for (index, object) in scene.objects.enumerated() {
      let box = object.box
      image.drawRectangle(
        left: box.left * Double(zoom), top: box.top * Double(zoom), right: box.right * Double(zoom),
        bottom: box.bottom * Double(zoom), color: Color.palette[index % Color.palette.count])
    }
    var cell = Picture(width: image.width, height: image.height + stripHeight, channels: 3, fill: 40)
    cell.paste(image, x: 0, y: 0)
    let words = !scene.isLabeled ? "unlabeled" : scene.count == 1 ? "1 object" : "\(scene.count) objects"
    cell.drawText(words, x: 3, y: image.height + 3, color: .white)
    return cell
  }

  /// The factor that enlarges a scene to about 200 pixels.
  static func zoom(of scene: Scene) -> Int { max(1, min(4, 200 / max(scene.height, scene.width))) }

  /// Converts from planes (scenes) to interleaved channels (pictures).
  private static func pixels(of scene: Scene) -> Picture {
    let plane = scene.height * scene.width
    let pixels = (0..<plane).flatMap { pixel in (0..<scene.channels).map { scene.pixels[$0 * plane + pixel] } }
    return Picture(width: scene.width, height: scene.height, channels: scene.channels, pixels: pixels)
  }

  /// The dataset's keys with their full names in a config.
  private static func qualified(_ overrides: [String]) -> [String] {
    overrides.map { $0.hasPrefix("dataset.") ? $0 : "dataset.\($0)" }
  }
}
