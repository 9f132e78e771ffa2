import Glibc
import Scenes

/// The relation of categories (or memory slots) to true labels, over pairs of found and true objects.
///
/// In each image, found boxes are paired with true ones so that the sum of their overlaps is largest; pairs without
/// overlap do not count. The measures are computed from the table of pairs n(category, label):
/// - `category_purity`: sum_c max_l n(c, l) / n, the share of objects whose label is the most frequent one of their
///   category;
/// - `category_information`: the mutual information of category and label, divided by the mean of their entropies
///   (normalized mutual information; 0 if either has only one value);
/// - `categories_used`: the number of categories that have at least 1 % of the pairs.
public struct CategoryUse: Metric {
  public static let measures =
    ["category_purity", "category_information", "categories_used"].map { Measure($0, better: .higher) }

  private var table: [Int: [Int: Int]] = [:]

  public init() {}

  public mutating func add(_ image: JudgedImage) {
    for (part, object) in BoxPairs(image).pairs {
      if let category = part.category { table[category, default: [:]][object.label, default: 0] += 1 }
    }
  }

  public var scores: [Score] {
    // Sums of whole numbers are exact in any order. Sums of fractions are taken in the order of their keys.
    let categories = table.sorted { $0.key < $1.key }.map { $0.value.sorted { $0.key < $1.key }.map(\.value) }
    let total = Double(categories.joined().reduce(0, +))
    guard total > 0 else { return [] }
    var labels: [Int: Int] = [:]
    for row in table.values { for (label, count) in row { labels[label, default: 0] += count } }
    func entropy(_ counts: [Int]) -> Double {
      counts.reduce(0) { sum, count in count > 0 ? sum - Double(count) / total * log(Double(count) / total) : sum }
    }
    let ofCategory = entropy(categories.map { $0.reduce(0, +) })
    let ofLabel = entropy(labels.sorted { $0.key < $1.key }.map(\.value))
    let information = ofCategory + ofLabel - entropy(Array(categories.joined()))
    let mean = (ofCategory + ofLabel) / 2
    return [
      Score("category_purity", categories.reduce(0) { $0 + Double($1.max() ?? 0) } / total),
      Score("category_information", mean > 0 ? max(0, information) / mean : 0),
      Score("categories_used", Double(categories.filter { Double($0.reduce(0, +)) >= total / 100 }.count)),
    ]
  }
}
