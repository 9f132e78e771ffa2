extension Coding where Value == Int {
  /// An integer in a range.
  public static func integer(in range: ClosedRange<Int>) -> Coding {
    Coding(schema: Bounds.schema(range), decode: { try $0.integer(in: range) }, encode: YAMLNode.integer)
  }
}

extension Coding where Value == Double {
  /// A number in a range.
  public static func number(in range: ClosedRange<Double>) -> Coding {
    Coding(schema: Bounds.schema(range), decode: { try $0.number(in: range) }, encode: YAMLNode.number)
  }
}

extension Coding where Value == Float {
  /// A number in a range, stored in single precision and written with as few digits as that precision needs.
  public static func number(in range: ClosedRange<Float>) -> Coding {
    let bounds = Bounds.double(range.lowerBound)...Bounds.double(range.upperBound)
    return Coding(
      schema: Bounds.schema(bounds),
      decode: { node in
        // Rounding a double within the bounds to single precision may give a value just outside them.
        min(max(Float(try node.number(in: bounds)), range.lowerBound), range.upperBound)
      },
      encode: { .number(Bounds.double($0)) })
  }
}

extension Coding where Value == Bool {
  /// `true` or `false`.
  public static var flag: Coding {
    Coding(schema: ["type": "boolean"], decode: { try $0.flag() }, encode: YAMLNode.flag)
  }
}

extension Coding where Value == String {
  /// Any text.
  public static var text: Coding {
    Coding(schema: ["type": "string"], decode: { try $0.text() }, encode: YAMLNode.text)
  }
}

extension Coding where Value == String {
  /// The path of one of the user's files or folders.
  ///
  /// A path that starts with `./` or `../` is made absolute: relative to the folder of the config file that contains
  /// it, or to the working folder if it comes from the command line. Any other text is kept as written.
  public static var location: Coding {
    var coding = Coding(
      schema: ["type": "string"], decode: { FilePath.location(try $0.text(), at: $0.place) }, encode: YAMLNode.text)
    coding.isLocation = true
    return coding
  }
}

extension Coding where Value: RawRepresentable<String> & CaseIterable {
  /// One of an enumeration's raw values.
  public static var choice: Coding {
    Coding(
      schema: ["enum": .list(Value.allCases.map { .text($0.rawValue) })], decode: { try $0.choice(Value.self) },
      encode: { .text($0.rawValue) })
  }
}

extension Coding where Value == [Int: Int] {
  /// A map with integer keys that the user chooses; it is written in ascending order of keys.
  public static func counts(keys: ClosedRange<Int>, values: ClosedRange<Int>) -> Coding {
    Coding(
      schema: [
        "type": "object", "propertyNames": ["pattern": keys.lowerBound < 0 ? "^-?[0-9]+$" : "^[0-9]+$"],
        "additionalProperties": Bounds.schema(values),
      ],
      decode: { node in
        let example = "{ \(Bounds.example(in: keys)): \(Bounds.example(in: values)) }"
        var counts: [Int: Int] = [:]
        var errors = ErrorCollector()
        for entry in try node.map(example: example) {
          try errors.attempt {
            guard case .integer(let key) = YAMLScalar(plain: entry.key), keys.contains(key) else {
              let text = "'\(entry.key)' is not a key of '\(node.path)': its keys are integers, \(Bounds.words(keys))"
              throw ConfigurationError(text, at: entry.keyPlace)
            }
            if counts[key] != nil {
              throw ConfigurationError("'\(node.path)' has the key \(key) a second time", at: entry.keyPlace)
            }
            counts[key] = try entry.value.integer(in: values)
          }
        }
        try errors.finish()
        return counts
      },
      encode: { counts in .map(counts.sorted { $0.key < $1.key }.map { (String($0.key), .integer($0.value)) }) })
  }
}

extension Coding where Value: Configurable {
  /// A section, merged by key.
  public static var section: Coding {
    Coding(
      schema: { sectionSchema($0) },
      decode: { try decodeSection(Value.self, from: $0, startingFrom: $1) },
      encode: { encodeSection($0) },
      merge: Merge { mergeSection($0, $1, before: $2, after: $3, history: &$4) },
      section: { $0 })
  }
}

extension Coding where Value == YAMLNode {
  /// Any YAML value, kept as written.
  public static var yaml: Coding {
    Coding(schema: [:], decode: { $0 }, encode: { $0 })
  }
}

extension Coding {
  /// A list whose elements share one coding. A dotted key (`head.0=100`) sets one element.
  ///
  /// Decoding reports the faults of all elements, not only the first.
  public static func list<Element: Sendable>(of element: Coding<Element>, startingFrom start: Element) -> Coding
  where Value == [Element] {
    Coding(
      schema: { standard in
        var items = element.schema(start)
        items["default"] = nil
        return ["type": "array", "items": items, "default": .list(standard.map { JSON(element.encode($0)) })]
      },
      decode: { node, current in
        var node = node
        if node.isImplied {
          let standard = YAMLNode.list(current.map(element.encode)).placed(at: node.path).elements ?? []
          var history = History()
          node = try node.elements(over: standard) { element.merge.function($0, $1, start, start, &history) }
        }
        var errors = ErrorCollector()
        let elements = try node.list(example: "[\(YAMLWriter.sketch(element.encode(start)))]").compactMap { child in
          try errors.attempt { try element.decode(child, start) }
        }
        try errors.finish()
        return elements
      },
      encode: { .list($0.map(element.encode)) }, merge: .list(of: element, startingFrom: start), section: { _ in nil })
  }
}
