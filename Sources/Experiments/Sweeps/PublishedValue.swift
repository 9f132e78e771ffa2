import Configuration

/// A value from a paper: `0.81 +- 0.23`, or `0.81`.
struct PublishedValue: Equatable {
  let mean: Double
  let deviation: Double?

  /// Throws `ConfigurationError` for anything else, also for what is no finite number.
  init(_ node: YAMLNode) throws {
    let parts = (node.scalar ?? "").replacingSign().split(separator: "±", omittingEmptySubsequences: false)
      .map(PublishedValue.number)
    guard (1...2).contains(parts.count), let mean = parts[0], parts.count == 1 || (parts[1] ?? -1) >= 0 else {
      throw node.fault("must be a number, or a mean and a deviation: 0.81 +- 0.23")
    }
    self.mean = mean
    deviation = parts.count == 2 ? parts[1] : nil
  }

  /// A number as YAML reads it, with spaces around it; nil for anything else.
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
  /// `+-` as one sign.
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

/// What a paper says of a row.
struct PublishedRow {
  let values: [(column: String, value: PublishedValue)]
  /// The columns whose values cannot be compared with ours, in their order.
  let incomparable: [String]
  /// Why they cannot.
  private let reason: String?

  /// `{ nelbo: 404.41 +- 4.58, ..., comparable: false, reason: "another data set" }`, or of some columns alone
  /// `comparable: { nelbo: false }`.
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
            "'\(entry.key)' is no column of this experiment (columns: \(columns.joined(separator: ", ")))",
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

  /// What `comparable` says of the row's columns: one flag for all of them, or one by one.
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

  /// Why the value of a column cannot be compared with ours; nil where it can.
  func reason(for column: String) -> String? { incomparable.contains(column) ? reason : nil }

  /// For the lines below a table: the reason with what it is about; nil where everything can be compared.
  var note: String? {
    guard let reason, !incomparable.isEmpty else { return nil }
    let all = incomparable.count == values.count
    return (all ? "" : incomparable.joined(separator: ", ") + " ") + "not compared with the paper: \(reason)"
  }
}
