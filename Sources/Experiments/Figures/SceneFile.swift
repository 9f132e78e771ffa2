import Configuration
import Models

/// A scene described by the user: the objects that `airframe sample --scene` and `airframe figure generate` draw.
public struct SceneFile: Configurable {
  /// One object. Positions and sizes are in pixels of the run's images.
  public struct Object: Configurable {
    public var category = 0
    public var x = 0.0, y = 0.0
    public var size = 20.0
    public var width = 0.0, height = 0.0
    public var angle = 0.0
    public var attributes: [Double] = []

    public init() {}

    public static let fields: [Field<Object>] = [
      .integer("category", \.category, in: 0...4095, "category or memory slot"),
      .number("x", \.x, in: -4096...4096, "center, in pixels from the left"),
      .number("y", \.y, in: -4096...4096, "center, in pixels from the top"),
      .number("size", \.size, in: 1...4096, "side of the object's window, in pixels"),
      .number("width", \.width, in: 0...4096, "width of the window if it is not square; 0: size"),
      .number("height", \.height, in: 0...4096, "height of the window if it is not square; 0: size"),
      .number("angle", \.angle, in: -360...360, "degrees, clockwise: turns what is in the window"),
      .numbers("attributes", \.attributes, in: -100...100, "in deviations from their mean; those left out are 0"),
    ]
  }

  public var objects: [Object] = []

  public init() {}

  public static let fields: [Field<SceneFile>] = [
    Field(
      "objects", \.objects, "the objects, drawn one after the other", coding: .list(of: .section, startingFrom: .init())
    )
  ]

  /// Describes which properties the objects of a model have.
  private static func words(_ model: any ObjectDrawing) -> String {
    var words = ["places and sizes"]
    if model.categories > 0 { words.append("\(model.categories) categories") }
    words.append(model.attributes == 1 ? "1 attribute" : "\(model.attributes) attributes")
    words.append(model.hasRotation ? "angles" : "no angles")
    if model.categories == 0 { words.append("no categories") }
    return words.joined(separator: ", ")
  }

  /// Reads the objects of a file, for a model whose images have this size.
  ///
  /// Throws `ConfigurationError` for a file that cannot be used, and for objects that the model cannot draw.
  static func objects(of path: String, for model: any ObjectDrawing, height: Int, width: Int) throws -> [ChosenObject] {
    let loaded = try ConfigurationFile.load(SceneFile.self, path: path)
    if loaded.value.objects.isEmpty { throw loaded.fault("objects", "is empty; name at least one object") }
    let has = words(model)
    return try loaded.value.objects.enumerated().map { index, object in
      func says(_ key: String) -> Bool {
        (loaded.tree["objects"]?.elements?[index][key]).map { $0.place != .defaults } ?? false
      }
      for (key, isThere) in [("category", model.categories > 0), ("angle", model.hasRotation)]
      where says(key) && !isThere {
        throw loaded.fault("objects", "has an object (number \(index + 1)) with '\(key)'; the run's model has \(has)")
      }
      if model.categories > 0, object.category >= model.categories {
        throw loaded.fault(
          "objects",
          "has an object (number \(index + 1)) of category \(object.category); the run's model has the categories 0 to "
            + "\(model.categories - 1)")
      }
      if object.attributes.count > model.attributes {
        throw loaded.fault(
          "objects",
          "has an object (number \(index + 1)) with \(object.attributes.count) attributes; the run's model has "
            + "\(model.attributes)")
      }
      return ChosenObject(
        category: model.categories > 0 ? object.category : nil, attributes: object.attributes.map(Float.init),
        x: Float(object.x / Double(width)), y: Float(object.y / Double(height)),
        width: Float((object.width > 0 ? object.width : object.size) / Double(width)),
        height: Float((object.height > 0 ? object.height : object.size) / Double(height)),
        angle: Float(object.angle * .pi / 180))
    }
  }
}
