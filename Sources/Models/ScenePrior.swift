import Configuration

/// What the model expects of a scene before it sees it (keys of `model.prior`).
struct ScenePriorConfig: Configurable {
  enum Name: String, CaseIterable, Sendable { case independent }
  var name = Name.independent
  var count = countPriors.choice("truncated_geometric")
  static let fields: [Field<ScenePriorConfig>] = [
    .choice("name", \.name, "independent: objects do not depend on each other"),
    .variant("count", \.count, in: countPriors, "prior on the number of objects"),
  ]
}
