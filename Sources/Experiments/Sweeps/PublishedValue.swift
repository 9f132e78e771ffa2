import Configuration

/// A value from a paper: `0.81 +- 0.23`, or `0.81`.
struct PublishedValue: Equatable {
  let mean: Double
  let deviation: Double?

  /// Throws `ConfigurationError` for anything else, including numbers that are not finite.
  init(_ node: YAMLNode) throws {
    let parts = (node.scalar ?? "").replacingSign().split(separator: "±", omittingEmptySubsequences: false)
      .map(PublishedValue.number)
    guard (1...2).contains(parts.count), let mean = parts[0], parts.count == 1 || (parts[1] ?? -1) >= 0 else {
      throw node.fault("must be a number, or a mean and a deviation: 0.81 +- 0.23")
    }
    self.mean = mean
    deviation = parts.count == 2 ? parts[1] : nil
  }

  /// A number in YAML syntax, optionally surrounded by spaces; nil for anything else.
  private static func number(_ text: Substring) -> Double? {
    var text = text.drop { $0 == " " }
    while text.last == " " { text.removeLast() }
    switch YAMLScalar(plain: String(text)) {
    case .integer(let value): return Double(value)
    case .hugeInteger(let digits): return Double(digits).flatMap { $0.isFinite ? $0 : nil }
    case .number(let value): return value.isFinite ? value : nil
    default: return nil
    }
  }
}

extension String {
  /// Replaces `+-` by one sign.
  fileprivate func replacingSign() -> String {
    var result = ""
    for character in self {
      if character == "-", result.last == "+" {
        result.removeLast()
        result.append("±")
      } else {
        result.append(character)
      }
    }
    return result
  }
}

/// The values of a paper for one row.
struct PublishedRow {
  let values: [(column: String, value: PublishedValue)]
  /// The columns whose values cannot be compared with ours, in order.
  let incomparable: [String]
  /// The reason why they cannot be compared.
  private let reason: String?

  /// Reads `{ nelbo: 404.41 +- 4.58, ..., comparable: false, reason: "another data set" }`. For some of the columns
  /// only, `comparable` is a map: `comparable: { nelbo: false }`.
  ///
  /// Throws `ConfigurationError` for unknown columns and for values without a reason that are not comparable.
  init(_ node: YAMLNode, columns: [String]) throws {
    guard let entries = node.entries else { throw node.fault("must be values by column: { nelbo: 404.41 +- 4.58 }") }
    var values: [(String, PublishedValue)] = []
    var incomparable: [String] = []
    var reason: String?
    for entry in entries {
      switch entry.key {
      case "comparable": incomparable = try PublishedRow.incomparable(entry.value, of: node)
      case "reason": reason = try entry.value.text()
      default:
        guard columns.contains(entry.key) else {
          throw ConfigurationError(
            "'\(entry.key)' is not a column of this experiment (columns: \(columns.joined(separator: ", ")))",
            at: entry.keyPlace)
        }
        values.append((entry.key, try PublishedValue(entry.value)))
      }
    }
    if !incomparable.isEmpty && reason == nil {
      throw node.fault("is not comparable; say why: reason: \"another data set\"")
    }
    (self.values, self.reason) = (values, reason)
    self.incomparable = columns.filter(incomparable.contains)
  }

  /// The columns that `comparable` excludes. It is one flag for all columns of the row, or one flag per column.
  private static func incomparable(_ node: YAMLNode, of row: YAMLNode) throws -> [String] {
    let columns = (row.entries ?? []).map(\.key).filter { $0 != "comparable" && $0 != "reason" }
    guard let entries = node.entries else { return try node.flag() ? [] : columns }
    return try entries.filter { entry in
      guard columns.contains(entry.key) else {
        throw ConfigurationError(
          "'\(entry.key)' has no published value in this row (values: \(columns.joined(separator: ", ")))",
          at: entry.keyPlace)
      }
      return try !entry.value.flag()
    }.map(\.key)
  }

  subscript(column: String) -> PublishedValue? { values.first { $0.column == column }?.value }

  /// The reason why the value of a column cannot be compared with ours; nil if it can.
  func reason(for column: String) -> String? { incomparable.contains(column) ? reason : nil }

  /// The reason with the columns that it concerns, for the lines below a table; nil if all values can be compared.
  var note: String? {
    guard let reason, !incomparable.isEmpty else { return nil }
    let all = incomparable.count == values.count
    return (all ? "" : incomparable.joined(separator: ", ") + " ") + "not compared with the paper: \(reason)"
  }
}
