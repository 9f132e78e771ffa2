import Configuration

/// The regularizers that belong to a paper's model, of which the config must name at least one. A model with the name
/// of a paper's model must be that model.
private let partsOfPapers: [(model: String, anyOf: [String], advice: String)] = [
  (
    "air-asr", ["count", "overlap"],
    "name what is known of the scenes, such as regularizers: [{ name: count, counts: [1, 3] }], or train the model "
      + "without it as air-pprior"
  ),
  (
    "dm-vae", ["information"],
    "add it: regularizers: [{ name: information }]; with gamma: 0 it is left out of the loss, and the config says so"
  ),
]

/// Why a model with these regularizers is not the model of the paper that it is named after; nil if it is.
public func misnomer(_ model: Choice, regularizers: [Choice]) -> String? {
  guard let paper = partsOfPapers.first(where: { $0.model == model.name }),
    !regularizers.contains(where: { paper.anyOf.contains($0.name) })
  else { return nil }
  let parts = paper.anyOf.map { "'\($0)'" }.joined(separator: " or ")
  return
    "is '\(model.name)', but regularizers has no \(parts), without which it is not the paper's model; \(paper.advice)"
}
