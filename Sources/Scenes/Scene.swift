/// The ground truth of one object in a scene.
public struct SceneObject: Equatable, Sendable {
  /// Index into the dataset's class names.
  public var label: Int

  /// The center of the object as it was placed (of the digit's frame, of the sprite's circle), in pixels.
  public var center: Point

  /// The tight box of the object's visible ink (more than a tenth of its maximum), in pixels.
  public var box: Box

  /// Red, green and blue in 0...1, if objects have colors.
  public var color: [Double]?

  /// Rotation in radians from the x axis towards the y axis (clockwise on screen), if objects are rotated.
  public var angle: Double?

  /// The object's side or diameter as a share of the canvas's width.
  public var scale: Double?

  public init(
    label: Int, center: Point, box: Box, color: [Double]? = nil, angle: Double? = nil, scale: Double? = nil
  ) {
    self.label = label
    self.center = center
    self.box = box
    self.color = color
    self.angle = angle
    self.scale = scale
  }
}

/// An image with its objects.
public struct Scene: Equatable, Sendable {
  public let channels, height, width: Int

  /// Row-major `[channel, height, width]`, from 0 (black) to 255 (full).
  public let pixels: [UInt8]

  /// The same image in 0...1, if it has more than 256 levels; nil if `pixels` is exact.
  public let levels: [Float]?

  /// The objects in the order in which they were drawn; empty if they are unknown.
  public let objects: [SceneObject]

  /// Whether `objects` is the ground truth. False for images without labels.
  public let isLabeled: Bool

  /// The ink of each object alone, row-major `[height, width]`, 0...255, in the order of `objects`; empty unless
  /// requested.
  public let masks: [[UInt8]]

  /// Requires `channels * height * width` pixels, as many levels if there are any, and either no masks or one of
  /// `height * width` for each object. Requires that there are no objects if the scene is not labeled.
  public init(
    channels: Int = 1, height: Int, width: Int, pixels: [UInt8], objects: [SceneObject], masks: [[UInt8]] = [],
    levels: [Float]? = nil, isLabeled: Bool = true
  ) {
    precondition(
      pixels.count == channels * height * width,
      "a scene of shape [\(channels), \(height), \(width)] was given \(pixels.count) pixels")
    precondition(
      levels.map { $0.count == pixels.count } ?? true,
      "a scene of \(pixels.count) pixels was given \(levels?.count ?? 0) levels")
    precondition(
      masks.isEmpty || masks.count == objects.count && masks.allSatisfy { $0.count == height * width },
      "a scene of \(objects.count) objects was given \(masks.count) masks, or one is not \(height) x \(width)")
    precondition(isLabeled || objects.isEmpty, "an image without labels was given \(objects.count) objects")
    self.channels = channels
    self.height = height
    self.width = width
    self.pixels = pixels
    self.levels = levels
    self.objects = objects
    self.masks = masks
    self.isLabeled = isLabeled
  }

  /// The number of objects.
  public var count: Int { objects.count }
}
