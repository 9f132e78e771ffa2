/// Describes a numeric range in words, in a JSON schema and by an example. Either end may be open.
enum Bounds {
  /// `1 to 10`, `1 or more`, `10 or less`, `any`.
  static func words(_ range: ClosedRange<Int>) -> String {
    words(
      range.lowerBound == .min ? nil : String(range.lowerBound),
      range.upperBound == .max ? nil : String(range.upperBound), any: "any 64-bit integer")
  }

  /// `0 to 1`, `0 or more`, `any number`.
  static func words(_ range: ClosedRange<Double>) -> String {
    let lower = range.lowerBound
    let upper = range.upperBound
    return words(
      isOpen(lower) ? nil : text(lower), isOpen(upper) ? nil : text(upper), any: "any finite number")
  }

  /// The schema of an integer, with `minimum` and `maximum` for the ends that are not open.
  static func schema(_ range: ClosedRange<Int>) -> JSON {
    var schema: JSON = ["type": "integer"]
    if range.lowerBound != .min { schema["minimum"] = .integer(range.lowerBound) }
    if range.upperBound != .max { schema["maximum"] = .integer(range.upperBound) }
    return schema
  }

  /// The schema of a number, with `minimum` and `maximum` for the ends that are not open.
  static func schema(_ range: ClosedRange<Double>) -> JSON {
    var schema: JSON = ["type": "number"]
    if !isOpen(range.lowerBound) { schema["minimum"] = json(range.lowerBound) }
    if !isOpen(range.upperBound) { schema["maximum"] = json(range.upperBound) }
    return schema
  }

  /// A value of the range that reads well.
  static func example(in range: ClosedRange<Int>) -> Int {
    [1, 10, 100].first(where: range.contains) ?? range.lowerBound
  }

  /// A value of the range that reads well.
  static func example(in range: ClosedRange<Double>) -> Double {
    [0.5, 1, 10, 0.01].first(where: range.contains) ?? range.lowerBound
  }

  /// A number as text, without a decimal point if it is an integer.
  static func text(_ number: Double) -> String {
    Int(exactly: number).map(String.init) ?? YAMLScalar.text(of: number)
  }

  /// The double whose shortest decimal text is that of `value`: 0.1, not 0.10000000149.
  static func double(_ value: Float) -> Double {
    value.isFinite ? Double(value.description) ?? Double(value) : Double(value)
  }

  private static func isOpen(_ bound: Double) -> Bool {
    bound.magnitude >= .greatestFiniteMagnitude
  }

  private static func json(_ bound: Double) -> JSON {
    Int(exactly: bound).map(JSON.integer) ?? .number(bound)
  }

  private static func words(_ lower: String?, _ upper: String?, any: String) -> String {
    switch (lower, upper) {
    case (let lower?, let upper?): "\(lower) to \(upper)"
    case (let lower?, nil): "\(lower) or more"
    case (nil, let upper?): "\(upper) or less"
    case (nil, nil): any
    }
  }
}
