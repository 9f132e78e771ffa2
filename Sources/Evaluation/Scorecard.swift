import Scenes
import Tensors

/// Evaluates images with every metric and names the results.
public struct Scorecard: Sendable {
  public private(set) var gathered: [any Metric]

  /// The number of images evaluated.
  public private(set) var images = 0

  public init(_ kinds: [any Metric.Type] = metrics) { gathered = kinds.map { $0.init() } }

  /// Evaluates a batch. Requires an explanation for each scene, and reconstructions `[batch, channel, height, width]`.
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

  /// Evaluates an image with all metrics, or only with those that need no ground truth if the scene has no labels or
  /// the model names no objects.
  public mutating func add(_ image: JudgedImage) {
    let isComparable = image.scene.isLabeled && image.explanation.namesObjects
    for index in gathered.indices where isComparable || !type(of: gathered[index]).needsTruth {
      gathered[index].add(image)
    }
    images += 1
  }

  /// The values of all metrics, in their order.
  public var scores: [Score] { gathered.flatMap(\.scores) }

  /// The value with this name; nil if there is none.
  public subscript(_ name: String) -> Double? { scores.first { $0.name == name }?.value }

  /// The table of true and found numbers of objects; nil if the scorecard does not count.
  public var counts: CountTable? { gathered.lazy.compactMap { ($0 as? CountAccuracy)?.table }.first }
}
