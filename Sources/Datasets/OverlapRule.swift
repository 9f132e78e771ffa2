/// What the objects of a scene may share; a drawing that breaks the rule is drawn again, all of it.
public enum OverlapRule: String, CaseIterable, Sendable {
  /// The inks of a pixel sum to 1 at most.
  case saturation
  /// No pixel has ink of two objects, however faint.
  case strokes
  /// The objects' tight boxes share no area.
  case boxes
  /// Anything; sums are clipped at 1.
  case allowed
}
