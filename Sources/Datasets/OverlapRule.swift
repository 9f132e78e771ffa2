/// The overlap that the objects of a scene may have. A drawing that breaks the rule is discarded and drawn again.
public enum OverlapRule: String, CaseIterable, Sendable {
  /// The inks of each pixel sum to at most 1.
  case saturation
  /// No pixel has ink of two objects, however faint.
  case strokes
  /// The objects' tight boxes share no area.
  case boxes
  /// Any overlap; sums are clipped at 1.
  case allowed
}
