/// How well the categories a model found correspond to the true labels, under the best renaming of categories.
///
/// `category_correspondence` is R of Wang et al. 2019, eq. (11): of all true labels, the share found. With n_i(c)
/// objects of category c found in image i and m_i(l) of label l in it, a renaming p finds `sum_(i, c) min(n_i(c),
/// m_i(p(c)))`: linear in p, so the best one is a linear assignment over all images at once. `category_precision`
/// divides by the found instead.
public struct CategoryCorrespondence: Metric {
  public static let measures = ["category_correspondence", "category_precision"].map { Measure($0, better: .higher) }

  private var shared: [[Int]] = []  // [category, label], summed over images
  private var labels = 0
  private var found = 0
  private var width = 0

  public init() {}

  public mutating func add(_ image: JudgedImage) {
    let truth = Dictionary(grouping: image.scene.objects, by: \.label).mapValues(\.count)
    let categories = image.explanation.parts.compactMap(\.category)
    labels += image.scene.count
    found += categories.count
    width = max(width, (truth.keys.max() ?? -1) + 1)
    for (category, parts) in Dictionary(grouping: categories, by: { $0 }) {
      while shared.count <= category { shared.append([]) }
      for (label, objects) in truth {
        while shared[category].count <= label { shared[category].append(0) }
        shared[category][label] += min(parts.count, objects)
      }
    }
  }

  public var scores: [Score] {
    guard found > 0, labels > 0 else { return [] }
    let weights = shared.flatMap { row in row.map(Double.init) + [Double](repeating: 0, count: width - row.count) }
    let best = LinearAssignment(maximizing: weights, rows: shared.count, columns: width).total
    return [
      Score("category_correspondence", best / Double(labels)), Score("category_precision", best / Double(found)),
    ]
  }
}
