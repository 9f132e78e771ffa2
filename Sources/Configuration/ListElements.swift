// A dotted key sets one element of a list: `regularizers.0.weight=3`.
extension YAMLNode {
  /// Applies a map from element numbers to changes to the list below it; `merge` applies a change to an element.
  ///
  /// The list is that of the lower layers, or `standard` if no layer sets it. Throws `ConfigurationError` for keys that
  /// are not the number of an element.
  func elements(
    over standard: [YAMLNode], merge: (_ element: YAMLNode, _ change: YAMLNode) -> YAMLNode
  ) throws -> YAMLNode {
    var elements = listBelow ?? standard
    var errors = ErrorCollector()
    for entry in entries ?? [] {
      try errors.attempt {
        let index = try Self.index(entry.key, count: elements.count, path: path, at: entry.keyPlace)
        let place = Self.path(path, index: index)
        elements[index] = merge(elements[index], entry.value.placed(at: place)).placed(at: place)
      }
    }
    try errors.finish()
    return YAMLNode(.sequence(elements), at: place, path: path)
  }

  /// The element number that a key names. Throws `ConfigurationError` if it is not a number below `count`.
  static func index(_ key: String, count: Int, path: String, at place: Place) throws -> Int {
    guard let index = Int(key), index >= 0, String(index) == key else {
      throw ConfigurationError(
        "'\(path)' is a list: name an element by its number (\(path).0=VALUE), or write the whole list (\(path)=[...])",
        at: place)
    }
    guard index < count else {
      let has =
        switch count {
        case 0: "is empty"
        case 1: "has one element, 0"
        default: "has \(count) elements, 0 to \(count - 1)"
        }
      throw ConfigurationError("'\(path)' has no element \(key): the list \(has) (write \(path)=[...])", at: place)
    }
    return index
  }

  /// Joins the maps from element numbers to changes of two layers, when no lower layer has set the list yet.
  func joined(above lower: YAMLNode, merge: (_ element: YAMLNode, _ change: YAMLNode) -> YAMLNode) -> YAMLNode {
    var joined = self
    joined.listBelow = lower.listBelow
    let changed = (entries ?? []).map { entry in
      var entry = entry
      if let below = lower[entry.key] { entry.value = merge(below, entry.value) }
      return entry
    }
    joined.content = .mapping((lower.entries ?? []).filter { self[$0.key] == nil } + changed)
    return joined
  }
}

extension Merge {
  /// A list is replaced as a whole. A map that comes from dotted keys changes only the elements that it names.
  static func list<Element: Sendable>(of element: Coding<Element>, startingFrom start: Element) -> Merge
  where Value == [Element] {
    Merge { lower, upper, _, _, history in
      guard var upper else { return lower }
      guard upper.isImplied else { return upper }
      func merge(_ lower: YAMLNode, _ upper: YAMLNode) -> YAMLNode {
        element.merge.function(lower, upper, start, start, &history)
      }
      guard let below = lower.elements else {
        return lower.isImplied ? upper.joined(above: lower, merge: merge) : upper
      }
      if var merged = try? upper.elements(over: below, merge: merge) {
        merged.place = lower.place
        return merged
      }
      // Decoding the value reports the fault.
      upper.listBelow = below
      return upper
    }
  }
}
