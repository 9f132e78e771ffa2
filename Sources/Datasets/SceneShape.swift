import Configuration
import Scenes

/// The shape of a dataset's scenes, in pixels.
public struct SceneShape: Equatable, Sendable {
  public let channels, height, width: Int

  public init(channels: Int, height: Int, width: Int) {
    (self.channels, self.height, self.width) = (channels, height, width)
  }
}

/// The config of a dataset, which knows the shape of scenes before anything is read.
///
/// A model can so be made on a machine that has none of the dataset's files.
public protocol SceneShaped: Configurable {
  /// Nil where only the files tell.
  var sceneShape: SceneShape? { get }
}

/// A dataset without scenes: all that a trained model needs to be made again.
public struct NoScenes: Dataset {
  public let name: String
  public let channels, height, width: Int
  public let classNames: [String] = []
  public let fingerprint = String(repeating: "0", count: 16)

  /// In place of the chosen dataset; nil where its config does not know the shape of its scenes.
  public init?(insteadOf choice: Choice) {
    guard let shape = (choice.config as? any SceneShaped)?.sceneShape else { return nil }
    name = choice.name
    (channels, height, width) = (shape.channels, shape.height, shape.width)
  }

  public func size(of split: Split) -> Int { 0 }

  public func prepare(_ split: Split) {}

  public func scene(_ index: Int, of split: Split, withMasks: Bool) -> Scene {
    preconditionFailure("a dataset without scenes was asked for one")
  }
}
