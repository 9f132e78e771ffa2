import Scenes
import Tensors

/// Judges images by every metric and names the results.
public struct Scorecard: Sendable {
  public private(set) var gathered: [any Metric]

  /// The number of images judged.
  public private(set) var images = 0

  public init(_ kinds: [any Metric.Type] = metrics) { gathered = kinds.map { $0.init() } }

  /// Judges a batch; requires an explanation for each scene, and reconstructions `[batch, channel, height, width]`.
  public mutating func add(_ scenes: [Scene], _ explanations: [Explanation], reconstructions: Tensor) {
    precondition(
      scenes.count == explanations.count && reconstructions.shape.first == scenes.count,
      "\(scenes.count) scenes, \(explanations.count) explanations, reconstructions of shape \(reconstructions.shape)")
    guard !scenes.isEmpty else { return }
    reconstructions.withUnsafeBuffer { values in
      let size = values.count / scenes.count
      for (index, (scene, explanation)) in zip(scenes, explanations).enumerated() {
        let levels = UnsafeBufferPointer(rebasing: values[index * size..<(index + 1) * size])
        add(JudgedImage(scene: scene, explanation: explanation, reconstruction: levels))
      }
    }
  }

  /// Judges an image by all metrics, or by those that need no truth where its scene has no labels, or the model names no
  /// objects.
  public mutating func add(_ image: JudgedImage) {
    let isComparable = image.scene.isLabeled && image.explanation.namesObjects
    for index in gathered.indices where isComparable || !type(of: gathered[index]).needsTruth {
      gathered[index].add(image)
    }
    images += 1
  }

  /// All metrics' values, in their order.
  public var scores: [Score] { gathered.flatMap(\.scores) }

  /// The value of that name; nil where there is none.
  public subscript(_ name: String) -> Double? { scores.first { $0.name == name }?.value }

  /// The numbers of objects, true against found; nil where the card does not count.
  public var counts: CountTable? { gathered.lazy.compactMap { ($0 as? CountAccuracy)?.table }.first }
}
