import Scenes

/// Detection by boxes: a found and a true object are a hit if they are paired and their boxes overlap by at least half
/// (intersection over union, with decoded boxes if there are any).
///
/// `recall_50` is the number of hits divided by the number of true objects, `precision_50` by the number of found
/// objects.
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

/// Found and true objects of an image, paired so that the sum of the overlaps of their boxes is largest.
struct BoxPairs {
  /// The pairs that overlap, and their overlaps.
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
