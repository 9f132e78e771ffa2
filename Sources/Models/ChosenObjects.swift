import Layers
import Tensors

/// An object with values chosen by the user instead of inferred ones.
public struct ChosenObject: Sendable {
  /// Category or memory slot; nil for models without them.
  public var category: Int?
  /// Continuous latents of the appearance, in units of the prior's deviation relative to the prior's mean. Missing
  /// values are 0.
  public var attributes: [Float]
  /// Center and size of the window, as fractions of the canvas.
  public var x, y, width, height: Float
  /// Rotation in radians, clockwise on screen. It rotates the content of the window but not the window's extent
  /// (Wang et al. 2019, eq. (6)).
  public var angle: Float

  public init(
    category: Int?, attributes: [Float] = [], x: Float = 0.5, y: Float = 0.5, width: Float = 1, height: Float = 1,
    angle: Float = 0
  ) {
    (self.category, self.attributes) = (category, attributes)
    (self.x, self.y, self.width, self.height, self.angle) = (x, y, width, height, angle)
  }
}

/// A model that can draw chosen objects.
public protocol ObjectDrawing: SceneModel {
  /// The number of categories or memory slots; 0 if there are none.
  var categories: Int { get }
  /// The number of continuous latents of an object's appearance.
  var attributes: Int { get }
  /// Whether objects are rotated.
  var hasRotation: Bool { get }
  /// Returns the patches [n, channel, side, side] of objects. Their positions are ignored.
  ///
  /// Requires categories below `categories` (nil if that is 0), and at most `attributes` attributes.
  func patches(_ objects: [ChosenObject]) -> Tensor
  /// Returns the sum of the objects on a black canvas, [1, channel, height, width].
  func scene(_ objects: [ChosenObject]) -> Tensor
}

extension RecurrentSceneModel: ObjectDrawing {
  public var categories: Int { appearance.categories }
  public var attributes: Int { appearance.attributes }
  public var hasRotation: Bool { transformer.hasRotation }

  public func patches(_ objects: [ChosenObject]) -> Tensor {
    let (kinds, numbers) = (categories, attributes)
    let rows = Tensor(shape: [objects.count, kinds]) { out in
      for (row, object) in objects.enumerated() {
        for kind in 0..<kinds { out[row * kinds + kind] = object.category == kind ? 1 : 0 }
      }
    }
    let values = Tensor(shape: [objects.count, numbers]) { out in
      for (row, object) in objects.enumerated() {
        for index in 0..<numbers {
          out[row * numbers + index] = index < object.attributes.count ? object.attributes[index] : 0
        }
      }
    }
    return store.frozen { appearance.patches(rows, attributes: values) }
  }

  public func scene(_ objects: [ChosenObject]) -> Tensor {
    let shape = [1, context.channels, context.height, context.width]
    guard !objects.isEmpty else { return .zeros(shape) }
    let windows = Window(
      centersX: objects.map(\.x), centersY: objects.map(\.y), widths: objects.map(\.width),
      heights: objects.map(\.height), angles: objects.map(\.angle))
    let drawn = patches(objects).written(windows, height: context.height, width: context.width)
    return Tensor.ones([1, objects.count]).matrixProduct(drawn.flattened()).reshaped(shape)
  }
}
