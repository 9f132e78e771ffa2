import Datasets
import Evaluation
import Glibc
import Models
import Pictures
import Scenes
import Tensors

/// Shows how runs decompose scenes: the scene with the objects found, the reconstruction, and the latents (Wang et al.
/// 2019, figures 4 and 7; Min et al. 2020, figures 4 and 7).
public enum ParseFigure {
  private static let lineHeight = Picture.textHeight() + 4

  /// One row for each of `count` scenes of a split. For each run it shows the scene with windows, the reconstruction
  /// and a table.
  ///
  /// Colors distinguish categories, or inference steps in models without categories. Throws `RunError` for runs with
  /// different scenes, and the errors of reading runs and data.
  public static func write(
    runs: [String], split: Split, count: Int, step: Int?, dataFolder: String, to out: OutputFile
  ) throws {
    var cells: [[Picture]] = []
    var first: (fingerprint: String, config: RunConfig)?
    for run in runs {
      let folder = try RunFolder(opening: run)
      let workbench = try Workbench(try folder.config(), dataFolder: dataFolder)
      try Threads.use(workbench.config.training.threads)
      _ = try Runner.restore(workbench, of: folder, step: step)
      let dataset = workbench.dataset
      if let first, first.fingerprint != dataset.fingerprint || first.config.showsOtherScenes(than: workbench.config) {
        throw RunError("\(run): was trained on other scenes than \(runs[0]); compare runs of the same dataset section")
      }
      first = first ?? (dataset.fingerprint, workbench.config)
      try workbench.requireScenes(of: split)
      try dataset.prepare(split)
      let indices = Array(0..<min(count, dataset.size(of: split)))
      let batch = Batch(dataset, split, indices: indices)
      let found = workbench.model.explain(batch.images)
      let zoom = max(1, min(4, 160 / max(dataset.height, dataset.width)))
      let (inputs, outputs) = (SceneGrid.pictures(batch.images), SceneGrid.pictures(found.reconstruction))
      for (row, index) in indices.indices.enumerated() {
        if cells.count <= row { cells.append([]) }
        cells[row] += [
          SceneGrid.annotated(inputs[index], found.scenes[index].parts, zoom, byCategory: true),
          outputs[index].enlarged(by: zoom).rgb(), table(found.scenes[index], height: inputs[index].height * zoom),
        ]
      }
    }
    try ModelFigures.write(Picture.grid(cells.flatMap { $0 }, columns: 3 * runs.count), to: out)
  }

  /// One line per object: step, category, center, window and angle.
  private static func table(_ scene: Explanation, height: Int) -> Picture {
    let lines = ["\(scene.count) found"] + scene.parts.map(words)
    let width = (lines.map { Picture.textWidth($0) }.max() ?? 0) + 12
    var picture = Picture(width: max(width, 150), height: height, channels: 3)
    for (index, line) in lines.enumerated() {
      let color = index == 0 ? Color.white : SceneGrid.color(of: scene.parts[index - 1], byCategory: true)
      picture.drawText(line, x: 6, y: 6 + index * lineHeight, color: color)
    }
    return picture
  }

  private static func words(_ part: Part) -> String {
    let center = Box(around: part.corners).center
    let (first, second, last) = (part.corners[0], part.corners[1], part.corners[3])
    func length(_ a: Point, _ b: Point) -> Double {
      ((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y)).squareRoot()
    }
    let angle = atan2(second.y - first.y, second.x - first.x) * 180 / Double.pi
    return "\(part.step + 1)" + (part.category.map { " k\($0)" } ?? "")
      + " (\(fixed(center.x, 0)),\(fixed(center.y, 0)))"
      + " \(fixed(length(first, second), 0))x\(fixed(length(first, last), 0))"
      + (abs(angle) < 0.5 ? "" : " \(fixed(angle, 0))")
  }
}
