import Scenes
import Tensors

/// A batch of scenes of a dataset, ready for a model.
public struct Batch {
  /// `[batch, channel, height, width]` in 0...1.
  public let images: Tensor
  /// The scene of each image, with its ground truth.
  public let scenes: [Scene]
  /// The indices of the scenes in the split.
  public let indices: [Int]
  /// The position of the batch in its sequence, from 0.
  public let number: Int

  /// The number of scenes.
  public var count: Int { scenes.count }

  /// Draws the scenes. Requires a prepared split.
  public init(_ dataset: any Dataset, _ split: Split, indices: [Int], number: Int = 0) {
    self.init(dataset, scenes: indices.map { dataset.scene($0, of: split) }, indices: indices, number: number)
  }

  /// `scenes` are those at `indices`, possibly moved.
  init(_ dataset: any Dataset, scenes: [Scene], indices: [Int], number: Int) {
    let size = dataset.channels * dataset.height * dataset.width
    images = Tensor(shape: [scenes.count, dataset.channels, dataset.height, dataset.width]) { levels in
      for (scene, start) in zip(scenes, stride(from: 0, to: levels.count, by: size)) {
        precondition(scene.pixels.count == size, "a scene of \(scene.pixels.count) pixels in a dataset of \(size)")
        let image = UnsafeMutableBufferPointer(rebasing: levels[start..<start + size])
        if let levels = scene.levels {
          _ = image.update(fromContentsOf: levels)
          continue
        }
        scene.pixels.withUnsafeBufferPointer { pixels in
          for index in 0..<size { image[index] = Float(pixels[index]) / 255 }
        }
      }
    }
    self.scenes = scenes
    self.indices = indices
    self.number = number
  }
}
