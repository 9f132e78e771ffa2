import Configuration
import Scenes

/// The shape of a dataset's scenes, in pixels.
public struct SceneShape: Equatable, Sendable {
  public let channels, height, width: Int

  public init(channels: Int, height: Int, width: Int) {
    (self.channels, self.height, self.width) = (channels, height, width)
  }
}

/// A dataset's config that can give the shape of the scenes before any file is read.
///
/// A model can therefore be made on a machine without the dataset's files.
public protocol SceneShaped: Configurable {
  /// The shape of the scenes; nil if only the files determine it.
  var sceneShape: SceneShape? { get }
}

/// A dataset without scenes, which is enough to make a trained model again.
public struct NoScenes: Dataset {
  public let name: String
  public let channels, height, width: Int
  public let classNames: [String] = []
  public let fingerprint = String(repeating: "0", count: 16)

  /// Replaces the chosen dataset. Returns nil if the dataset's config does not know the shape of its scenes.
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
