import Scenes

/// How many true objects have a found box of their own, and how many found boxes a true object: pairs whose boxes overlap
/// at least by half (intersection over union, decoded boxes where there are any).
///
/// `recall_50` is their share of the true objects, `precision_50` of the found ones.
public struct Detection: Metric {
  public static let measures = ["recall_50", "precision_50"].map { Measure($0, better: .higher) }

  private var hits = 0
  private var truth = 0
  private var found = 0

  public init() {}

  public mutating func add(_ image: JudgedImage) {
    hits += BoxPairs(image).overlaps.filter { $0 >= 0.5 }.count
    truth += image.scene.count
    found += image.explanation.count
  }

  public var scores: [Score] {
    var scores: [Score] = []
    if truth > 0 { scores.append(Score("recall_50", Double(hits) / Double(truth))) }
    if found > 0 { scores.append(Score("precision_50", Double(hits) / Double(found))) }
    return scores
  }
}

/// Found and true objects of an image, paired so that their boxes' overlaps sum up highest.
struct BoxPairs {
  /// The pairs that overlap at all, and by how much.
  let pairs: [(part: Part, object: SceneObject)]
  let overlaps: [Double]

  init(_ image: JudgedImage) {
    let (parts, objects) = (image.explanation.parts, image.scene.objects)
    let table = parts.flatMap { part in
      objects.map { (part.tightBox ?? part.box).intersectionOverUnion(with: $0.box) }
    }
    let columns = LinearAssignment(maximizing: table, rows: parts.count, columns: objects.count).columns
    let paired = columns.enumerated().compactMap { row, column in
      column.map { (part: parts[row], object: objects[$0], overlap: table[row * objects.count + $0]) }
    }.filter { $0.overlap > 0 }
    pairs = paired.map { ($0.part, $0.object) }
    overlaps = paired.map(\.overlap)
  }
}
