import Datasets
import Models
import Pictures
import Scenes
import Tensors

/// Pictures of scenes and a model's results: inputs, reconstructions, and windows numbered by their inference step.
public enum SceneGrid {
  /// For each line of scenes, one row of inputs with the windows drawn on them, and one row of reconstructions.
  public static func picture(_ batch: Batch, _ explanation: SceneExplanation, columns: Int = 8, zoom: Int = 3)
    -> Picture
  {
    let inputs = pictures(batch.images)
    let outputs = pictures(explanation.reconstruction)
    var cells: [Picture] = []
    for start in stride(from: 0, to: inputs.count, by: columns) {
      let row = start..<min(start + columns, inputs.count)
      cells += row.map { annotated(inputs[$0], explanation.scenes[$0].parts, zoom) }
      // A short last line is padded, so that reconstructions are below their inputs.
      let blank = Picture(width: inputs[start].width * zoom, height: inputs[start].height * zoom, channels: 3)
      let filler = Array(repeating: blank, count: columns - row.count)
      cells += filler + row.map { outputs[$0].enlarged(by: zoom).rgb() } + filler
    }
    return Picture.grid(cells, columns: columns)
  }

  /// Images [batch, channel, height, width] as pictures. Values are clipped to [0, 1].
  static func pictures(_ images: Tensor) -> [Picture] {
    let (channels, height, width) = (images.shape[1], images.shape[2], images.shape[3])
    let plane = height * width
    return images.withUnsafeBuffer { values in
      (0..<images.shape[0]).map { index in
        var picture = Picture(width: width, height: height, channels: channels)
        for channel in 0..<channels {
          for pixel in 0..<plane {
            let value = values[(index * channels + channel) * plane + pixel]
            picture.pixels[pixel * channels + channel] = UInt8((min(max(value, 0), 1) * 255).rounded())
          }
        }
        return picture
      }
    }
  }

  /// The color of a part: that of its category if `byCategory` is set and it has one, and that of its step otherwise.
  static func color(of part: Part, byCategory: Bool) -> Color {
    Color.palette[(byCategory ? part.category ?? part.step : part.step) % Color.palette.count]
  }

  /// The enlarged picture with the windows of the parts.
  static func annotated(_ picture: Picture, _ parts: [Part], _ zoom: Int, byCategory: Bool = false) -> Picture {
    var picture = picture.enlarged(by: zoom).rgb()
    for part in parts {
      let color = color(of: part, byCategory: byCategory)
      let corners = part.corners.map { (x: $0.x * Double(zoom), y: $0.y * Double(zoom)) }
      picture.drawPolygon(corners, color: color)
      let left = corners.map(\.x).min() ?? 0
      let top = corners.map(\.y).min() ?? 0
      picture.drawText("\(part.step + 1)", x: Int(max(left, 0)) + 2, y: Int(max(top, 0)) + 2, color: color)
    }
    return picture
  }
}
