import Scenes

/// What one image gives to be judged.
public struct JudgedImage {
  /// What is true of it.
  public let scene: Scene
  /// What the model found in it.
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

/// The name of a value that an evaluation gives, and which end of it is the good one.
public struct Measure: Equatable, Sendable {
  public enum Better: String, Sendable { case lower, higher }

  public let name: String
  /// Nil where neither end is.
  public let better: Better?
  /// Whether only whole evaluations measure it (`airframe evaluate`, sweeps), and trainings in between do not.
  public let takesLong: Bool

  public init(_ name: String, better: Better?, takesLong: Bool = false) {
    (self.name, self.better, self.takesLong) = (name, better, takesLong)
  }
}

/// A measure of how well scenes are explained, gathered image by image.
///
/// A new one is a file with its type and a line in `metrics`.
public protocol Metric: Sendable {
  /// What its scores can be, in their order.
  static var measures: [Measure] { get }
  init()
  /// Whether it compares with what is true of a scene; images of which nobody knows that are not given to it.
  static var needsTruth: Bool { get }
  mutating func add(_ image: JudgedImage)
  /// The values so far; empty where no image had what the metric needs (boxes, categories).
  var scores: [Score] { get }
}

extension Metric {
  public static var needsTruth: Bool { true }
}
