import Configuration

extension RunConfig {
  /// The keys (`training.seed`) whose values differ between two configs, with both values as JSON; nil where a config lacks
  /// the key. In the order of this config.
  ///
  /// Keys that say where files lie are left out: what the files hold counts, which is compared by the data's fingerprint.
  func differences(from other: RunConfig) -> [(key: String, own: JSON?, other: JSON?)] {
    let locations = Set(self.locations)
    return JSON.differences(JSON(encodeSection(self)), JSON(encodeSection(other)), at: "").filter {
      !locations.contains($0.key)
    }
  }

  /// Whether the dataset's keys differ, but for where its files lie.
  func showsOtherScenes(than other: RunConfig) -> Bool {
    differences(from: other).contains { $0.key.hasPrefix("dataset.") }
  }

  /// The keys that say where files lie.
  var locations: [String] { locationKeys(of: self) }

  /// Where files lie, as those keys say it.
  var locatedFiles: [String] {
    let values = JSON(encodeSection(self))
    return locations.compactMap { key in
      key.split(separator: ".").reduce(values as JSON?) { $0?[String($1)] }?.string
    }
  }
}

extension JSON {
  fileprivate static func differences(
    _ own: JSON?, _ other: JSON?, at path: String
  ) -> [(key: String, own: JSON?, other: JSON?)] {
    guard own != other else { return [] }
    guard case .object(let members)? = own, case .object(let others)? = other else { return [(path, own, other)] }
    let keys = members.map(\.key) + others.map(\.key).filter { own?[$0] == nil }
    return keys.flatMap { differences(own?[$0], other?[$0], at: path.isEmpty ? $0 : "\(path).\($0)") }
  }
}
