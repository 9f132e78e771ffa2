import Configuration

extension RunConfig {
  /// The keys (`training.seed`) whose values differ between two configs, with both values as JSON. A value is nil if
  /// its config lacks the key. The order is that of this config.
  ///
  /// Keys with the locations of files are omitted. The contents of the files matter, and the data's fingerprint
  /// compares them.
  func differences(from other: RunConfig) -> [(key: String, own: JSON?, other: JSON?)] {
    let locations = Set(self.locations)
    return JSON.differences(JSON(encodeSection(self)), JSON(encodeSection(other)), at: "").filter {
      !locations.contains($0.key)
    }
  }

  /// Whether the keys of the dataset differ, apart from the locations of its files.
  func showsOtherScenes(than other: RunConfig) -> Bool {
    differences(from: other).contains { $0.key.hasPrefix("dataset.") }
  }

  /// The keys that hold the locations of files.
  var locations: [String] { locationKeys(of: self) }

  /// The values of those keys.
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
