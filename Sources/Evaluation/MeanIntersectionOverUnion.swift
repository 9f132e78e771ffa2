import Scenes

/// The mean intersection over union of one image, in 0...1 (Xu et al. 2019, section 6):
/// `max over pairings of sum_(i <= min(n, m)) IoU(found_pi(i), true_i) / max(n, m)`.
///
/// Boxes left over, on either side, count as 0; no boxes where there are none count as 1.
public func meanIntersectionOverUnion(_ found: [Box], _ truth: [Box]) -> Double {
  let larger = max(found.count, truth.count)
  guard larger > 0 else { return 1 }
  let overlaps = found.flatMap { box in truth.map { box.intersectionOverUnion(with: $0) } }
  let best = LinearAssignment(maximizing: overlaps, rows: found.count, columns: truth.count)
  return best.total / Double(larger)
}

/// `miou`: found windows (their axis-aligned hulls) against the objects' tight boxes, averaged over images.
///
/// This is the paper's measure; a window usually has some margin around its object, so that 1 is not reached.
public struct WindowOverlap: Metric {
  public static let measures = [Measure("miou", better: .higher)]

  private var statistics = Statistics()

  public init() {}

  public mutating func add(_ image: JudgedImage) {
    statistics.add(meanIntersectionOverUnion(image.explanation.parts.map(\.box), image.scene.objects.map(\.box)))
  }

  public var scores: [Score] { statistics.mean.map { [Score("miou", $0)] } ?? [] }
}

/// `miou_tight`: the boxes of what was decoded (above a tenth of the step's maximum) against the objects' tight boxes.
///
/// A part that decodes to nothing overlaps nothing. Without a single decoded box in any image there is no score.
public struct TightOverlap: Metric {
  public static let measures = [Measure("miou_tight", better: .higher)]

  private var statistics = Statistics()
  private var hasBoxes = false

  public init() {}

  public mutating func add(_ image: JudgedImage) {
    let parts = image.explanation.parts
    let boxes = parts.map { $0.tightBox ?? Box(left: 0, top: 0, right: 0, bottom: 0) }
    hasBoxes = hasBoxes || parts.contains { $0.tightBox != nil }
    statistics.add(meanIntersectionOverUnion(boxes, image.scene.objects.map(\.box)))
  }

  public var scores: [Score] {
    guard hasBoxes, let mean = statistics.mean else { return [] }
    return [Score("miou_tight", mean)]
  }
}
