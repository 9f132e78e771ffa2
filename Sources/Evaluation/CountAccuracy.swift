/// The share of images in which the model found as many objects as there are (Xu et al. 2019, section 6, ACC).
public struct CountAccuracy: Metric {
  public static let measures = [Measure("count_accuracy", better: .higher)]

  public private(set) var table = CountTable()

  public init() {}

  public mutating func add(_ image: JudgedImage) {
    table.add(truth: image.scene.count, found: image.explanation.count)
  }

  public var scores: [Score] { table.accuracy.map { [Score("count_accuracy", $0)] } ?? [] }
}

/// How many images of each true number of objects were given each number by the model.
public struct CountTable: Equatable, Sendable {
  /// `[true number, number found]`: images.
  public private(set) var rows: [[Int]] = []

  public init() {}

  public mutating func add(truth: Int, found: Int) {
    precondition(truth >= 0 && found >= 0, "\(found) objects were found where there are \(truth)")
    while rows.count <= truth { rows.append([]) }
    let width = max(found + 1, rows.first?.count ?? 0)
    for row in rows.indices { rows[row] += [Int](repeating: 0, count: max(0, width - rows[row].count)) }
    rows[truth][found] += 1
  }

  /// The share of images on the diagonal; nil without images.
  public var accuracy: Double? {
    let images = rows.reduce(0) { $0 + $1.reduce(0, +) }
    let right = rows.enumerated().reduce(0) { sum, row in
      sum + (row.element.indices.contains(row.offset) ? row.element[row.offset] : 0)
    }
    return images > 0 ? Double(right) / Double(images) : nil
  }
}
