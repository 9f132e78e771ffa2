import Configuration
import Scenes

/// Scenes with what is true of them, in three splits. A conformance is a file, and a line in `datasets`.
///
/// A scene is a pure function of the dataset's config (with its own `seed`), the split and the index: it does not depend
/// on the training seed, on what was asked before, or on threads.
public protocol Dataset: Sendable {
  /// The name under which it is registered.
  var name: String { get }

  /// The shape of every scene, in pixels.
  var channels: Int { get }
  var height: Int { get }
  var width: Int { get }

  /// What the labels of objects mean: label `l` is `classNames[l]`.
  var classNames: [String] { get }

  /// 16 hexadecimal digits that differ where the files hold something else, or scenes are drawn from them in another way.
  /// Neither the config nor where the files lie is part of it. Reads little of the files.
  var fingerprint: String { get }

  /// The config with what files decided filled in, where they decided anything; nil where the config says all.
  var settled: (any Configurable)? { get }

  /// The number of scenes.
  func size(of split: Split) -> Int

  /// Reads what the split needs, once. Call it before `scene`: what is wrong with files or settings is thrown here.
  func prepare(_ split: Split) throws

  /// The scene, with each object's own ink if asked for. Requires a prepared split and an index below its size.
  func scene(_ index: Int, of split: Split, withMasks: Bool) -> Scene
}

/// The size of a training split whose scenes are drawn anew for every batch: none ever comes again.
public let endlessScenes = 1 << 62

extension Dataset {
  public var settled: (any Configurable)? { nil }

  /// The scene without masks. Requires a prepared split and an index below its size.
  public func scene(_ index: Int, of split: Split) -> Scene { scene(index, of: split, withMasks: false) }
}

/// What making a dataset needs beside its config.
public struct DatasetContext: Sendable {
  /// The folder of `mnist/` and its like: `--data`, else `AIRFRAME_DATA`, else `data`.
  public let dataFolder: String

  public init(dataFolder: String) { self.dataFolder = dataFolder }
}
