/// A model's prediction for one image: the objects that it found, from modes and means.
public struct Explanation: Equatable, Sendable {
  /// One part for each object found, in the order of the inference steps that found them.
  public var parts: [Part]
  /// Whether the model names objects. If it does not, it has no parts, and their number says nothing about the scene.
  public let namesObjects: Bool

  public init(parts: [Part], namesObjects: Bool = true) { (self.parts, self.namesObjects) = (parts, namesObjects) }

  /// The number of objects found.
  public var count: Int { parts.count }
}

/// One object that a model found.
public struct Part: Equatable, Sendable {
  /// The inference step, or the grid place, that explains the object.
  public var step: Int

  /// The four corners of the attention window, in pixels, in order around the window. They lie outside the image where
  /// the window does.
  public var corners: [Point]

  /// The tight box of the decoded pixels above a tenth of the step's maximum; nil if the model has none.
  public var tightBox: Box?

  /// The object's category or memory slot, for models that infer one.
  public var category: Int?

  public init(step: Int, corners: [Point], tightBox: Box? = nil, category: Int? = nil) {
    self.step = step
    self.corners = corners
    self.tightBox = tightBox
    self.category = category
  }

  /// A part with an axis-aligned window.
  public init(step: Int, window: Box, tightBox: Box? = nil, category: Int? = nil) {
    let corners = [
      Point(x: window.left, y: window.top), Point(x: window.right, y: window.top),
      Point(x: window.right, y: window.bottom), Point(x: window.left, y: window.bottom),
    ]
    self.init(step: step, corners: corners, tightBox: tightBox, category: category)
  }

  /// The axis-aligned hull of the window, in pixels.
  public var box: Box { Box(around: corners) }
}
