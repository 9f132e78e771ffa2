import Configuration

/// The rows of an experiment: named sets of overrides, written out or built from smaller ones.
///
/// A grid is one of
/// - named rows: `{ wide: { model: ... }, narrow: { model: ... } }`,
/// - axes, of which all combinations are taken: `{ training.batch: [32, 64], estimator.name: [nvil, marginal] }`,
/// - `{ product: [GRID, GRID] }`: every row of one with every row of the other,
/// - `{ zip: [GRID, GRID] }`: the first with the first, the second with the second, and so on,
/// - `{ list: [GRID, GRID] }`: the rows of one, then those of the other,
/// - `{ random: { samples: 20, seed: 0, training.optimizer.rate: { log_uniform: [1e-5, 1e-2] } } }`.
///
/// Beside `product`, `zip`, `list` and `random`, `exclude` names what is left out: a list of sets of values; a row goes
/// where it sets all values of one of them.
struct Grid {
  /// One row: what it changes, from the lowest layer up.
  struct Row {
    let name: String
    let amendments: [YAMLNode]
  }

  let rows: [Row]

  /// Throws `ConfigurationError` with the place of what cannot be used, of an empty grid, and of two rows with one name.
  init(_ node: YAMLNode) throws {
    rows = try Grid.rows(node)
    guard !rows.isEmpty else { throw node.fault("has no rows") }
    for row in rows
    where row.name.isEmpty || row.name.contains(where: { "/=\n".contains($0) }) || ".-".contains(row.name.prefix(1)) {
      throw node.fault(
        "has a row called '\(row.name)', which cannot name a folder; use letters, digits, '-', '_', '.', '+'")
    }
    var seen: Set<String> = []
    for row in rows where !seen.insert(row.name).inserted {
      throw node.fault(
        "has two rows called '\(row.name)'; give them names of their own: { NAME: { ... }, NAME: { ... } }")
    }
  }

  private static let builders = ["product", "zip", "list", "random"]

  private static func rows(_ node: YAMLNode) throws -> [Row] {
    guard let entries = node.entries, !entries.isEmpty else {
      throw node.fault("must hold rows: { NAME: { training: { batch: 32 } } }, or { training.batch: [32, 64] }")
    }
    guard let builder = entries.first(where: { builders.contains($0.key) }) else { return try plain(node, entries) }
    for entry in entries where entry.key != builder.key && entry.key != "exclude" {
      throw ConfigurationError(
        "'\(entry.key)' cannot stand beside '\(builder.key)'; put both into { list: [ ... ] } or { product: [ ... ] }",
        at: entry.keyPlace)
    }
    let all =
      switch builder.key {
      case "product": product(try parts(builder.value))
      case "zip": try zip(builder.value)
      case "list": try parts(builder.value).flatMap { $0 }
      default: try RandomRows(builder.value).rows
      }
    return try without(node["exclude"], all)
  }

  private static func parts(_ node: YAMLNode) throws -> [[Row]] {
    guard let elements = node.elements, !elements.isEmpty else {
      throw node.fault("must be a list of grids: [{ training.batch: [32, 64] }, { ... }]")
    }
    return try elements.map(rows)
  }

  /// Named rows, or axes.
  private static func plain(_ node: YAMLNode, _ entries: [YAMLNode.Entry]) throws -> [Row] {
    let axes = entries.filter { $0.value.elements != nil }
    guard !axes.isEmpty else {
      return try entries.map { entry in
        guard entry.value.entries != nil || entry.value.isNull else {
          throw entry.value.fault("must be a set of overrides ({ training: { batch: 32 } }) or a list of values")
        }
        return Row(name: entry.key, amendments: amendments(entry.value))
      }
    }
    if let row = entries.first(where: { $0.value.elements == nil }) {
      throw ConfigurationError(
        "'\(row.key)' is a named row beside '\(axes[0].key)', a list of values; "
          + "put both into { list: [ ... ] } or { product: [ ... ] }", at: row.keyPlace)
    }
    return product(
      try axes.map { axis in
        guard let values = axis.value.elements, !values.isEmpty else { throw axis.value.fault("has no values") }
        return values.enumerated().map { index, value in
          Row(name: label(axis.key, value, index), amendments: [override(axis.key, value)])
        }
      })
  }

  /// A set of overrides, whose keys may be dotted: `{ training.batch: 32, model: { steps: 2 } }`.
  static func amendments(_ node: YAMLNode) -> [YAMLNode] {
    guard let entries = node.entries, entries.contains(where: { $0.key.contains(".") }) else { return [node] }
    return entries.map { entry in
      entry.key.contains(".")
        ? override(entry.key, entry.value) : YAMLNode(.mapping([entry]), at: node.place)
    }
  }

  private static func product(_ grids: [[Row]]) -> [Row] {
    grids.dropFirst().reduce(grids.first ?? []) { rows, next in
      rows.flatMap { row in next.map { joined([row, $0]) } }
    }
  }

  private static func zip(_ node: YAMLNode) throws -> [Row] {
    let grids = try parts(node)
    let counts = grids.map(\.count)
    guard Set(counts).count == 1, let count = counts.first else {
      throw node.fault("takes grids of one length; these have \(counts.map(String.init).joined(separator: ", ")) rows")
    }
    return (0..<count).map { index in joined(grids.map { $0[index] }) }
  }

  private static func joined(_ rows: [Row]) -> Row {
    Row(name: rows.map(\.name).joined(separator: "-"), amendments: rows.flatMap(\.amendments))
  }

  /// `batch-32` for `training.batch` and 32; lists and maps are numbered.
  private static func label(_ key: String, _ value: YAMLNode, _ index: Int) -> String {
    let short = key.split(separator: ".").last.map(String.init) ?? key
    guard let text = value.scalar else { return "\(short)-\(index + 1)" }
    let name = String(text.map { $0.isLetter || $0.isNumber || "._+-".contains($0) ? $0 : "_" })
    return short == "name" ? name : "\(short)-\(name)"
  }

  /// `{ training: { batch: 32 } }` for `training.batch` and 32.
  static func override(_ key: String, _ value: YAMLNode) -> YAMLNode {
    key.split(separator: ".").reversed().reduce(value) { below, part in
      YAMLNode(.mapping([.init(String(part), below)]), at: value.place)
    }
  }
}

// MARK: Exclusions

extension Grid {
  private static func without(_ node: YAMLNode?, _ rows: [Row]) throws -> [Row] {
    guard let node else { return rows }
    guard let exclusions = node.elements, !exclusions.isEmpty else {
      throw node.fault("must be a list of sets of values: [{ estimator.name: nvil, training.batch: 64 }]")
    }
    let wanted = try exclusions.map { exclusion in
      guard let entries = exclusion.entries, !entries.isEmpty else {
        throw exclusion.fault("must be a set of values: { estimator.name: nvil }")
      }
      let values = leaves(exclusion)
      guard rows.contains(where: { sets($0, values) }) else {
        throw exclusion.fault("excludes no row: no row sets these values; check their spelling")
      }
      return values
    }
    return rows.filter { row in !wanted.contains { sets(row, $0) } }
  }

  private static func sets(_ row: Row, _ values: [String: JSON]) -> Bool {
    let own = row.amendments.reduce(into: [:]) { own, amendment in own.merge(leaves(amendment)) { $1 } }
    return values.allSatisfy { own[$0.key] == $0.value }
  }

  /// Values by their dotted keys.
  private static func leaves(_ node: YAMLNode, at path: String = "") -> [String: JSON] {
    guard let entries = node.entries, !entries.isEmpty else { return path.isEmpty ? [:] : [path: JSON(node)] }
    return entries.reduce(into: [:]) { values, entry in
      values.merge(leaves(entry.value, at: path.isEmpty ? entry.key : "\(path).\(entry.key)")) { $1 }
    }
  }
}
