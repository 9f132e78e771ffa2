import Configuration

/// The sums of named values over several steps, in the order of their first appearance.
struct RunningSums {
  private var values: [(name: String, total: Double, count: Int)] = []

  init() {}

  mutating func add(_ name: String, _ value: Double) {
    if let index = values.firstIndex(where: { $0.name == name }) {
      values[index].total += value
      values[index].count += 1
    } else {
      values.append((name, value, 1))
    }
  }

  var means: [(name: String, value: Double)] { values.map { ($0.name, $0.total / Double($0.count)) } }

  subscript(_ name: String) -> Double? { means.first { $0.name == name }?.value }

  /// The state for checkpoints. Numbers have all their digits, so that reading restores the same bits.
  var json: JSON { .list(values.map { .list([.text($0.name), .number($0.total), .integer($0.count)]) }) }

  /// Nil for values that `json` cannot have written.
  init?(_ json: JSON) {
    guard case .list(let rows) = json else { return nil }
    for row in rows {
      guard case .list(let row) = row, row.count == 3, let name = row[0].string, let total = row[1].double,
        case .integer(let count) = row[2], (1...TrainingConfig.mostSteps).contains(count)
      else { return nil }
      values.append((name, total, count))
    }
  }
}
