import Configuration

/// The rows of an experiment: named sets of overrides, which are listed explicitly or built from smaller grids.
///
/// A grid is one of
/// - named rows: `{ wide: { model: ... }, narrow: { model: ... } }`,
/// - axes, of which all combinations are taken: `{ training.batch: [32, 64], estimator.name: [nvil, marginal] }`,
/// - `{ product: [GRID, GRID] }`: every row of the first grid with every row of the second,
/// - `{ zip: [GRID, GRID] }`: the first rows together, the second rows together, and so on,
/// - `{ list: [GRID, GRID] }`: the rows of the first grid, then those of the second,
/// - `{ random: { samples: 20, seed: 0, training.optimizer.rate: { log_uniform: [1e-5, 1e-2] } } }`.
///
/// Next to `product`, `zip`, `list` or `random`, the key `exclude` removes rows. It is a list of sets of values, and a
/// row is removed if it sets all values of one of the sets.
struct Grid {
  /// One row: the layers of changes that it makes, with later layers overriding earlier ones.
  struct Row {
    let name: String
    let amendments: [YAMLNode]
  }

  let rows: [Row]

  /// Throws `ConfigurationError` with the position for a grid that is invalid or empty, has more rows than `GridLimits`
  /// allow, or has two rows with the same name.
  init(_ node: YAMLNode) throws {
    var limits = GridLimits()
    rows = try Grid.rows(node, &limits)
    guard !rows.isEmpty else { throw node.fault("has no rows") }
    for row in rows {
      if let problem = Grid.problem(ofName: row.name) {
        throw node.fault("has a row called '\(Escaping.line(row.name))', \(problem)")
      }
    }
    // Names that differ only in their Unicode encoding look the same and count as equal.
    var seen: Set<String> = []
    for row in rows where !seen.insert(row.name).inserted {
      throw node.fault(
        "has two rows called '\(row.name)'; give them names of their own: { NAME: { ... }, NAME: { ... } }")
    }
  }

  /// The reason why a row cannot have that name, which is used for its folder and in tables; nil if it can.
  private static func problem(ofName name: String) -> String? {
    if let character = name.unicodeScalars.first(where: { !$0.isVisible }) {
      return "with the invisible character \(character.number) in it; leave it out"
    }
    if name.isEmpty || name.unicodeScalars.contains("/") || ".-".contains(name.prefix(1)) {
      return "which cannot name a folder; begin with a letter or digit, and use no '/'"
    }
    return nil
  }

  private static let builders = ["product", "zip", "list", "random"]

  private static func rows(_ node: YAMLNode, _ limits: inout GridLimits) throws -> [Row] {
    guard let entries = node.entries, !entries.isEmpty else {
      throw node.fault("must hold rows: { NAME: { training: { batch: 32 } } }, or { training.batch: [32, 64] }")
    }
    guard let builder = entries.first(where: { builders.contains($0.key) }) else {
      return try plain(node, entries, &limits)
    }
    for entry in entries where entry.key != builder.key && entry.key != "exclude" {
      throw ConfigurationError(
        "'\(entry.key)' cannot be combined with '\(builder.key)'; put both into { list: [ ... ] } or { product: [ ... ] }",
        at: entry.keyPlace)
    }
    let all =
      switch builder.key {
      case "product": try product(try parts(builder.value, &limits), at: builder.value, &limits)
      case "zip": try zip(builder.value, &limits)
      case "list": try parts(builder.value, &limits).flatMap { $0 }
      default: try RandomRows(builder.value, &limits).rows
      }
    return try without(node["exclude"], all)
  }

  private static func parts(_ node: YAMLNode, _ limits: inout GridLimits) throws -> [[Row]] {
    guard let elements = node.elements, !elements.isEmpty else {
      throw node.fault("must be a list of grids: [{ training.batch: [32, 64] }, { ... }]")
    }
    return try elements.map { try rows($0, &limits) }
  }

  /// Named rows, or axes.
  private static func plain(
    _ node: YAMLNode, _ entries: [YAMLNode.Entry], _ limits: inout GridLimits
  ) throws -> [Row] {
    let axes = entries.filter { $0.value.elements != nil }
    guard !axes.isEmpty else {
      return try entries.map { entry in
        guard entry.value.entries != nil || entry.value.isNull else {
          throw entry.value.fault("must be a set of overrides ({ training: { batch: 32 } }) or a list of values")
        }
        let row = Row(name: entry.key, amendments: try amendments(entry.value))
        try limits.spend(rows: 1, values: row.amendments.count, at: node)
        return row
      }
    }
    if let row = entries.first(where: { $0.value.elements == nil }) {
      throw ConfigurationError(
        "'\(row.key)' is a named row next to '\(axes[0].key)', a list of values; "
          + "put both into { list: [ ... ] } or { product: [ ... ] }", at: row.keyPlace)
    }
    let grids = try axes.map { axis in
      guard let values = axis.value.elements, !values.isEmpty else { throw axis.value.fault("has no values") }
      return try values.enumerated().map { index, value in
        Row(
          name: label(axis.key, value, index),
          amendments: [try ConfigurationFile.layer(setting: axis.key, to: value, at: axis.keyPlace)])
      }
    }
    return try product(grids, at: node, &limits)
  }

  /// A set of overrides, whose keys may be dotted: `{ training.batch: 32, model: { steps: 2 } }`.
  ///
  /// Throws `ConfigurationError` for a dotted key that is not valid.
  static func amendments(_ node: YAMLNode) throws -> [YAMLNode] {
    guard let entries = node.entries, entries.contains(where: { $0.key.contains(".") }) else { return [node] }
    return try entries.map { entry in
      entry.key.contains(".")
        ? try ConfigurationFile.layer(setting: entry.key, to: entry.value, at: entry.keyPlace)
        : YAMLNode(.mapping([entry]), at: node.place)
    }
  }

  private static func product(_ grids: [[Row]], at node: YAMLNode, _ limits: inout GridLimits) throws -> [Row] {
    try limits.require(product: grids.map(\.count), at: node)
    return try grids.dropFirst().reduce(grids.first ?? []) { rows, next in
      try rows.flatMap { row in try next.map { try joined([row, $0], at: node, &limits) } }
    }
  }

  private static func zip(_ node: YAMLNode, _ limits: inout GridLimits) throws -> [Row] {
    let grids = try parts(node, &limits)
    let counts = grids.map(\.count)
    guard Set(counts).count == 1, let count = counts.first else {
      throw node.fault("takes grids of one length; these have \(counts.map(String.init).joined(separator: ", ")) rows")
    }
    return try (0..<count).map { index in try joined(grids.map { $0[index] }, at: node, &limits) }
  }

  private static func joined(_ rows: [Row], at node: YAMLNode, _ limits: inout GridLimits) throws -> Row {
    try limits.spend(rows: 1, values: rows.reduce(0) { $0 + $1.amendments.count }, at: node)
    let name = rows.map(\.name).joined(separator: "-")
    try GridLimits.require(name: name, at: node)
    return Row(name: name, amendments: rows.flatMap(\.amendments))
  }

  /// `batch-32` for `training.batch` and 32, and `head.0-32` for an element of a list. Values that are lists or maps
  /// are numbered.
  private static func label(_ key: String, _ value: YAMLNode, _ index: Int) -> String {
    let parts = key.split(separator: ".").map(String.init)
    let isElement = parts.count > 1 && parts[parts.count - 1].allSatisfy(\.isNumber)
    let short = parts.suffix(isElement ? 2 : 1).joined(separator: ".")
    guard let text = value.scalar else { return "\(short)-\(index + 1)" }
    let name = String(text.map { $0.isLetter || $0.isNumber || "._+-".contains($0) ? $0 : "_" })
    return short == "name" ? name : "\(short)-\(name)"
  }
}

// MARK: Exclusions

extension Grid {
  private static func without(_ node: YAMLNode?, _ rows: [Row]) throws -> [Row] {
    guard let node else { return rows }
    guard let exclusions = node.elements, !exclusions.isEmpty else {
      throw node.fault("must be a list of sets of values: [{ estimator.name: nvil, training.batch: 64 }]")
    }
    try GridLimits.require(exclusions: exclusions.count, rows: rows.count, at: node)
    let own = rows.map { row in
      row.amendments.reduce(into: [:]) { own, amendment in own.merge(leaves(amendment)) { $1 } }
    }
    var isLeft = rows.map { _ in true }
    for exclusion in exclusions {
      guard let entries = exclusion.entries, !entries.isEmpty else {
        throw exclusion.fault("must be a set of values: { estimator.name: nvil }")
      }
      let values = leaves(exclusion)
      let excluded = rows.indices.filter { index in values.allSatisfy { own[index][$0.key] == $0.value } }
      guard !excluded.isEmpty else {
        throw exclusion.fault("excludes no row: no row sets these values; check their spelling")
      }
      for index in excluded { isLeft[index] = false }
    }
    return rows.indices.filter { isLeft[$0] }.map { rows[$0] }
  }

  /// The values of a tree by their dotted keys.
  private static func leaves(_ node: YAMLNode, at path: String = "") -> [String: JSON] {
    guard let entries = node.entries, !entries.isEmpty else {
      return path.isEmpty ? [:] : [path: JSON(node).withoutKinds]
    }
    return entries.reduce(into: [:]) { values, entry in
      values.merge(leaves(entry.value, at: path.isEmpty ? entry.key : "\(path).\(entry.key)")) { $1 }
    }
  }
}

extension JSON {
  /// The same value with every integer as a number: `1` and `1.0` set the same value.
  var withoutKinds: JSON {
    switch self {
    case .integer(let value): .number(Double(value))
    case .list(let elements): .list(elements.map(\.withoutKinds))
    case .object(let members): .object(members.map { Member($0.key, $0.value.withoutKinds) })
    default: self
    }
  }
}
