import Scenes

/// One image with the ground truth and the model's results, the input of a metric.
public struct JudgedImage {
  /// The image and its ground truth.
  public let scene: Scene
  /// The objects that the model found in the image.
  public let explanation: Explanation
  /// The model's mean image, `[channel, height, width]` in 0...1; valid during the call that passes it.
  public let reconstruction: UnsafeBufferPointer<Float>

  /// Requires a reconstruction of the scene's shape.
  public init(scene: Scene, explanation: Explanation, reconstruction: UnsafeBufferPointer<Float>) {
    precondition(
      scene.pixels.count == reconstruction.count,
      "a scene of \(scene.pixels.count) pixels was compared with a reconstruction of \(reconstruction.count)")
    self.scene = scene
    self.explanation = explanation
    self.reconstruction = reconstruction
  }
}

/// A named value, as it appears in `evaluation.json`, in tables and as a column of an experiment.
public struct Score: Equatable, Sendable {
  public let name: String
  public let value: Double

  public init(_ name: String, _ value: Double) {
    self.name = name
    self.value = value
  }
}

/// The name of a value that an evaluation computes, and whether higher or lower values are better.
public struct Measure: Equatable, Sendable {
  public enum Better: String, Sendable { case lower, higher }

  public let name: String
  /// Nil if neither is better.
  public let better: Better?
  /// Whether only full evaluations compute it (`airframe evaluate`, sweeps), not the evaluations during training.
  public let takesLong: Bool

  public init(_ name: String, better: Better?, takesLong: Bool = false) {
    (self.name, self.better, self.takesLong) = (name, better, takesLong)
  }
}

/// A measure of how well scenes are explained, accumulated image by image.
///
/// To add a metric, add a file with its type and a line in `metrics`.
public protocol Metric: Sendable {
  /// The measures that `scores` can contain, in their order.
  static var measures: [Measure] { get }
  init()
  /// Whether it compares with the ground truth. If so, it does not receive images without labels.
  static var needsTruth: Bool { get }
  mutating func add(_ image: JudgedImage)
  /// The values so far; empty if no image had what the metric needs (boxes, categories).
  var scores: [Score] { get }
}

extension Metric {
  public static var needsTruth: Bool { true }
}
