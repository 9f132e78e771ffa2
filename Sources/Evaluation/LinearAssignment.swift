/// The optimal one-to-one pairing of rows with columns: exact, in O(n^2 m) for n <= m.
///
/// The algorithm is shortest augmenting paths with dual prices: Kuhn 1955 and Munkres 1957, in the form of Jonker and
/// Volgenant 1987.
public struct LinearAssignment: Equatable, Sendable {
  /// The column of each row; nil for rows without one if there are more rows than columns.
  public let columns: [Int?]

  /// The sum of the paired entries.
  public let total: Double

  /// Finds the pairing with the smallest sum of costs. The number of pairs is the smaller of the numbers of rows and
  /// columns.
  ///
  /// `costs` is `[row, column]`, row-major and finite.
  public init(minimizing costs: [Double], rows: Int, columns: Int) {
    precondition(
      rows >= 0 && columns >= 0 && costs.count == rows * columns,
      "a \(rows) x \(columns) assignment was given \(costs.count) costs")
    precondition(costs.allSatisfy(\.isFinite), "an assignment was given a cost that is not finite")
    if rows <= columns {
      self.columns = pairing(rows: rows, columns: columns) { costs[$0 * columns + $1] }
    } else {
      let rowOfColumn = pairing(rows: columns, columns: rows) { costs[$1 * columns + $0] }
      var columnOfRow = [Int?](repeating: nil, count: rows)
      for (column, row) in rowOfColumn.enumerated() {
        if let row { columnOfRow[row] = column }
      }
      self.columns = columnOfRow
    }
    total = LinearAssignment.sum(of: costs, over: self.columns, width: columns)
  }

  /// Finds the pairing with the largest sum of scores. The number of pairs is the smaller of the numbers of rows and
  /// columns.
  ///
  /// `scores` is `[row, column]`, row-major and finite.
  public init(maximizing scores: [Double], rows: Int, columns: Int) {
    self.columns = LinearAssignment(minimizing: scores.map { -$0 }, rows: rows, columns: columns).columns
    total = LinearAssignment.sum(of: scores, over: self.columns, width: columns)
  }

  private static func sum(of entries: [Double], over columns: [Int?], width: Int) -> Double {
    columns.enumerated().reduce(0) { sum, pair in sum + (pair.element.map { entries[pair.offset * width + $0] } ?? 0) }
  }
}

/// The column of each row, for at most as many rows as columns.
///
/// Rows are added one after the other. Each grows a tree of alternating paths over tight edges (cost = row price +
/// column price). It raises prices by the smallest slack until the tree reaches a free column; then the path to that
/// column is flipped.
private func pairing(rows: Int, columns: Int, cost: (Int, Int) -> Double) -> [Int?] {
  var rowPrice = [Double](repeating: 0, count: rows)
  var columnPrice = [Double](repeating: 0, count: columns)
  var rowOfColumn = [Int?](repeating: nil, count: columns)
  for entering in 0..<rows {
    var slack = [Double](repeating: .infinity, count: columns)
    // The column before this one on the path; nil if the entering row comes before it.
    var previous = [Int?](repeating: nil, count: columns)
    var isReached = [Bool](repeating: false, count: columns)
    var row = entering
    var last: Int?
    repeat {
      var nearest = 0
      var step = Double.infinity
      for column in 0..<columns where !isReached[column] {
        let reduced = cost(row, column) - rowPrice[row] - columnPrice[column]
        if reduced < slack[column] {
          slack[column] = reduced
          previous[column] = last
        }
        if slack[column] < step {
          step = slack[column]
          nearest = column
        }
      }
      rowPrice[entering] += step
      for column in 0..<columns {
        if isReached[column] {
          columnPrice[column] -= step
          if let reached = rowOfColumn[column] { rowPrice[reached] += step }
        } else {
          slack[column] -= step
        }
      }
      isReached[nearest] = true
      last = nearest
      row = rowOfColumn[nearest] ?? entering
    } while last.map { rowOfColumn[$0] != nil } ?? false
    while let column = last {
      last = previous[column]
      rowOfColumn[column] = last.map { rowOfColumn[$0] } ?? entering
    }
  }
  var columnOfRow = [Int?](repeating: nil, count: rows)
  for (column, row) in rowOfColumn.enumerated() {
    if let row { columnOfRow[row] = column }
  }
  return columnOfRow
}
