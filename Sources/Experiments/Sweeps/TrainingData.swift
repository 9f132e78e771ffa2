import Configuration

/// The training data of a run, as recorded in its `environment.json`.
struct TrainingData: Hashable {
  /// The key of the fingerprint. Version 0.2 computed fingerprints in another way, so the two kinds cannot be compared.
  private let key: String
  private let fingerprint: String

  init?(_ environment: JSON?) {
    for key in [Provenance.dataKey, "dataset_fingerprint"] {
      guard let fingerprint = environment?[key]?.string else { continue }
      (self.key, self.fingerprint) = (key, fingerprint)
      return
    }
    return nil
  }

  /// Throws `RunError` if cells with the same dataset section were trained on different data.
  static func refuseDifferences(_ cells: [(cell: Experiment.Cell, data: TrainingData?)], path: String) throws {
    var groups: [JSON: [TrainingData: [String]]] = [:]
    for (cell, data) in cells {
      guard let data else { continue }
      groups[JSON(encodeSection(cell.config))["dataset"] ?? .null, default: [:]][data, default: []].append(cell.place)
    }
    for group in groups.values {
      for (_, found) in Dictionary(grouping: group, by: \.key.key) where found.count > 1 {
        let words = found.sorted { $0.value[0] < $1.value[0] }.map { data, places in
          "  \(data.fingerprint): \(places.joined(separator: ", "))"
        }
        throw RunError(
          "\(path): these runs were trained on different data, so no mean over them means anything (fingerprint: runs):\n"
            + words.joined(separator: "\n")
            + "\nmove the runs on the wrong data away and train them again by `airframe sweep`")
      }
    }
  }
}
