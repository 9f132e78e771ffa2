/// How two layers of a config make one value, given the default under each of them.
struct Merge<Value: Sendable>: Sendable {
  /// The lower layer's node, the upper layer's or nil where it is silent, the default that belongs to each, and the
  /// record of what was dropped.
  typealias Function =
    @Sendable (
      _ lower: YAMLNode, _ upper: YAMLNode?, _ before: Value, _ after: Value, _ history: inout History
    ) -> YAMLNode

  let function: Function

  init(_ function: @escaping Function) {
    self.function = function
  }

  /// The upper value where there is one.
  static var replacing: Merge {
    Merge { lower, upper, _, _, _ in upper ?? lower }
  }

  /// Maps merge by key, unless both set the selector and differ there; anything else is replaced.
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
  /// A map that only an override's dotted key stands for belongs where the lower layer has it.
  mutating func settle(over lower: YAMLNode) {
    if isImplied { place = lower.place }
    isImplied = isImplied && lower.isImplied
  }
}
