/// How the values of two layers of a config are combined, given the default that belongs to each.
struct Merge<Value: Sendable>: Sendable {
  /// Combines two nodes. `upper` is nil if the upper layer does not set the value; `before` and `after` are the
  /// defaults that belong to `lower` and `upper`; `history` records values that are dropped.
  typealias Function =
    @Sendable (
      _ lower: YAMLNode, _ upper: YAMLNode?, _ before: Value, _ after: Value, _ history: inout History
    ) -> YAMLNode

  let function: Function

  init(_ function: @escaping Function) {
    self.function = function
  }

  /// The upper value if there is one, otherwise the lower.
  static var replacing: Merge {
    Merge { lower, upper, _, _, _ in upper ?? lower }
  }

  /// Merges maps by key, unless both set the key `selector` to different values. Anything else is replaced.
  init(selector: String) {
    self.init { lower, upper, _, _, history in
      guard let upper else { return lower }
      guard let lowerEntries = lower.entries, let upperEntries = upper.entries else { return upper }
      if let old = lower[selector], let new = upper[selector], old.scalar != new.scalar {
        for entry in lowerEntries where upper[entry.key] == nil { history.drop(entry.value, because: new) }
        return upper
      }
      var merged = upper
      let kept = lowerEntries.map { entry in upperEntries.first { $0.key == entry.key } ?? entry }
      merged.content = .mapping(kept + upperEntries.filter { lower[$0.key] == nil })
      merged.settle(over: lower)
      return merged
    }
  }
}

extension YAMLNode {
  /// Gives a map that only exists because of an override's dotted key the place that it has in the lower layer.
  mutating func settle(over lower: YAMLNode) {
    if isImplied { place = lower.place }
    isImplied = isImplied && lower.isImplied
  }
}
