import Configuration

extension RunConfig {
  /// The keys (`training.seed`) whose values differ between two configs, with both values as JSON; nil where a config lacks
  /// the key. In the order of this config.
  func differences(from other: RunConfig) -> [(key: String, own: JSON?, other: JSON?)] {
    JSON.differences(JSON(encodeSection(self)), JSON(encodeSection(other)), at: "")
  }
}

extension JSON {
  fileprivate static func differences(_ own: JSON?, _ other: JSON?, at path: String) -> [(String, JSON?, JSON?)] {
    guard own != other else { return [] }
    guard case .object(let members)? = own, case .object(let others)? = other else { return [(path, own, other)] }
    let keys = members.map(\.key) + others.map(\.key).filter { own?[$0] == nil }
    return keys.flatMap { differences(own?[$0], other?[$0], at: path.isEmpty ? $0 : "\(path).\($0)") }
  }
}
