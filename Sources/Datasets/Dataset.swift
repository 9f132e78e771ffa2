import Configuration
import Scenes

/// Scenes with their ground truth, in three splits. To add a dataset, add a file with its type and a line in
/// `datasets`.
///
/// A scene is a pure function of the dataset's config (with its own `seed`), the split and the index. It does not
/// depend on the training seed, on earlier calls, or on threads.
public protocol Dataset: Sendable {
  /// The name under which it is registered.
  var name: String { get }

  /// The shape of every scene, in pixels.
  var channels: Int { get }
  var height: Int { get }
  var width: Int { get }

  /// The names of the labels of objects: label `l` is `classNames[l]`.
  var classNames: [String] { get }

  /// 16 hexadecimal digits that change with the contents of the files and with the version of the drawing code. They do
  /// not depend on the config or on the files' location. Only a small part of the files is read.
  var fingerprint: String { get }

  /// The config completed with the values that the files decided; nil if the files decided nothing.
  var settled: (any Configurable)? { get }

  /// The number of scenes.
  func size(of split: Split) -> Int

  /// Reads the data of the split, once. Call it before `scene`. It throws the errors of files and settings.
  func prepare(_ split: Split) throws

  /// The scene, with the mask of each object if requested. Requires a prepared split and an index below its size.
  func scene(_ index: Int, of split: Split, withMasks: Bool) -> Scene
}

/// The size of a training split whose scenes are drawn anew for every batch, so that no scene is repeated.
public let endlessScenes = 1 << 62

extension Dataset {
  public var settled: (any Configurable)? { nil }

  /// The scene without masks. Requires a prepared split and an index below its size.
  public func scene(_ index: Int, of split: Split) -> Scene { scene(index, of: split, withMasks: false) }
}

/// The input of a dataset's initializer in addition to its config.
public struct DatasetContext: Sendable {
  /// The folder that contains `mnist/` and the other sources: `--data`, else `AIRFRAME_DATA`, else `data`.
  public let dataFolder: String

  public init(dataFolder: String) { self.dataFolder = dataFolder }
}
