import Evaluation
import Scenes
import Tensors
import Testing

private func box(_ left: Double, _ top: Double, _ side: Double = 4) -> Box {
  Box(left: left, top: top, right: left + side, bottom: top + side)
}

/// A 4 x 4 scene with objects of these labels and boxes.
private func scene(_ objects: [(label: Int, box: Box)] = [], level: UInt8 = 0) -> Scene {
  Scene(
    height: 4, width: 4, pixels: [UInt8](repeating: level, count: 16),
    objects: objects.map { SceneObject(label: $0.label, center: $0.box.center, box: $0.box) })
}

private func explanation(_ parts: [(category: Int?, box: Box, tight: Box?)]) -> Explanation {
  Explanation(
    parts: parts.enumerated().map { step, part in
      Part(step: step, window: part.box, tightBox: part.tight, category: part.category)
    })
}

private func card(_ images: [(Scene, Explanation)], reconstruction: Float = 0) -> Scorecard {
  var card = Scorecard()
  card.add(
    images.map(\.0), images.map(\.1),
    reconstructions: Tensor(repeating: reconstruction, shape: [images.count, 1, 4, 4]))
  return card
}

struct MetricTests {
  @Test func meanIntersectionOverUnionPairsBoxesBest() {
    let truth = [box(0, 0), box(10, 10)]
    #expect(meanIntersectionOverUnion([box(10, 10), box(0, 0)], truth) == 1)
    // The first box overlaps both true ones; taking the larger overlap first would leave the second box without any.
    let found = [Box(left: 0, top: 0, right: 2, bottom: 1), Box(left: 0, top: 0, right: 1, bottom: 1)]
    let near = [Box(left: 0, top: 0, right: 1.5, bottom: 1), Box(left: 1, top: 0, right: 2, bottom: 1)]
    #expect(abs(meanIntersectionOverUnion(found, near) - (0.5 + 1 / 1.5) / 2) < 1e-12)
  }

  @Test func boxesLeftOverCountAsZero() {
    #expect(meanIntersectionOverUnion([box(0, 0)], [box(0, 0), box(10, 10)]) == 0.5)
    #expect(meanIntersectionOverUnion([box(0, 0), box(10, 10), box(20, 20)], [box(10, 10)]) == 1.0 / 3)
    #expect(meanIntersectionOverUnion([], [box(0, 0)]) == 0)
    #expect(meanIntersectionOverUnion([box(0, 0)], []) == 0)
    #expect(meanIntersectionOverUnion([], []) == 1)
  }

  @Test func windowsAndDecodedBoxesAreScoredApart() {
    let images = [
      (scene([(0, box(0, 0))]), explanation([(nil, box(0, 0, 8), box(0, 0))])),
      (scene(), explanation([])),
      (scene([(0, box(0, 0))]), explanation([(nil, box(0, 0), nil)])),
    ]
    let card = card(images)
    #expect(card["miou"] == 0.75)
    #expect(abs((card["miou_tight"] ?? 0) - 0.6666667) < 1e-6)
    #expect(self.card([images[2]])["miou_tight"] == nil, "no decoded box at all")
  }

  private func card(_ images: [(Scene, Explanation)]) -> Scorecard { EvaluationTests.card(images) }

  @Test func squaredErrorIsSummedOverPixelsAndAveragedOverImages() throws {
    var card = Scorecard()
    let levels: [Float] = [Float](repeating: 0.5, count: 16) + [Float](repeating: 1, count: 16)
    card.add(
      [scene(level: 255), scene(level: 255)], [explanation([]), explanation([])],
      reconstructions: Tensor(shape: [2, 1, 4, 4], levels))
    #expect(card["squared_error"] == 2)  // (16 * 0.25 + 0) / 2
    #expect(card["mse"] == 0.125)
    #expect(card["rmse"] == 0.125.squareRoot())
    #expect(card.images == 2)
  }

  @Test func countsAreTabulated() {
    let three = explanation((0..<3).map { (nil, box(Double($0), 0), nil) })
    let one = explanation([(nil, box(0, 0), nil)])
    let pair = scene([(0, box(0, 0)), (0, box(5, 5))])
    let card = card([(scene(), explanation([])), (pair, one), (pair, three), (scene([(0, box(0, 0))]), one)])
    #expect(card["count_accuracy"] == 0.5)
    #expect(card.counts?.rows == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 1, 0, 1]])
  }

  @Test func aCountTableNeedsNoSquare() {
    var table = CountTable()
    #expect(table.accuracy == nil)
    table.add(truth: 0, found: 5)
    table.add(truth: 4, found: 0)
    #expect(
      table.rows
        == [[0, 0, 0, 0, 0, 1], [], [], [], [1, 0, 0, 0, 0, 0]].map { $0 + Array(repeating: 0, count: 6 - $0.count) })
    #expect(table.accuracy == 0)
  }

  @Test func categoriesAreScoredUnderTheirBestRenaming() {
    // The example of Wang et al. 2019, section 4: {1, 4, 2, 2, 3} against {4, 0, 1, 1, 5} is all right under a
    // renaming.
    let labels = [4, 0, 1, 1, 5].map { (label: $0, box: box(0, 0)) }
    let found = explanation([1, 4, 2, 2, 3].map { ($0, box(0, 0), nil) })
    #expect(card([(scene(labels), found)])["category_correspondence"] == 1)
    // Four of six labels are found; of five parts, four are right.
    let more = scene(labels + [(7, box(0, 0))])
    let wrong = explanation([1, 4, 2, 2, 2].map { ($0, box(0, 0), nil) })
    let card = card([(more, wrong)])
    #expect(card["category_correspondence"] == 4.0 / 6)
    #expect(card["category_precision"] == 4.0 / 5)
    #expect(self.card([(scene(labels), explanation([(nil, box(0, 0), nil)]))])["category_correspondence"] == nil)
  }

  /// Objects far apart, each with a part on it: category 0 holds three of label 0 and one of label 1, category 7 four of label 1.
  @Test func useOfCategoriesIsThatOfTheirTable() {
    let pairs = [(0, 0), (0, 0), (0, 0), (0, 1), (7, 1), (7, 1), (7, 1), (7, 1)]
    let places = pairs.indices.map { box(Double(10 * $0), 0) }
    let truth = scene(zip(pairs, places).map { (label: $0.1, box: $1) })
    // In another order, and with a part that overlaps nothing.
    let parts = zip(pairs, places).map { (category: Int?($0.0), box: $1, tight: Box?($1)) }.reversed()
    let card = card([(truth, explanation(parts + [(3, box(500, 500), box(500, 500))]))])
    #expect(card["category_purity"] == 7.0 / 8)
    // I = H(3/8, 5/8) + H(1/2, 1/2) - H(3/8, 1/8, 4/8) = 0.3804 nats; the entropies' mean is 0.6774.
    #expect(abs((card["category_information"] ?? 0) - 0.56159) < 1e-5)
    #expect(card["categories_used"] == 2)
    #expect(card["recall_50"] == 1 && card["precision_50"] == 8.0 / 9)
  }

  @Test func oneCategoryForEverythingSaysNothing() {
    let truth = scene([(0, box(0, 0)), (1, box(20, 0))])
    let card = card([(truth, explanation([(2, box(0, 0), nil), (2, box(20, 0), nil)]))])
    #expect(card["category_purity"] == 0.5)
    #expect(card["category_information"] == 0)
    #expect(card["categories_used"] == 1)
  }

  @Test func boxesThatOverlapByLessThanHalfAreNoDetection() {
    let truth = scene([(0, box(0, 0)), (0, box(20, 0))])
    let found = explanation([(nil, box(2, 2), nil), (nil, box(20, 1), nil)])
    let card = card([(truth, found), (scene(), explanation([]))])
    #expect(card["recall_50"] == 0.5 && card["precision_50"] == 0.5)
  }

  @Test func oneRenamingServesAllImages() {
    let first = (scene([(0, box(0, 0))]), explanation([(5, box(0, 0), nil)]))
    let second = (scene([(1, box(0, 0))]), explanation([(5, box(0, 0), nil)]))
    #expect(card([first, second])["category_correspondence"] == 0.5)
    #expect(card([first, second, first])["category_correspondence"] == 2.0 / 3)
  }

  @Test func everyMetricIsSilentWithoutImagesAndNamesAreUnique() {
    #expect(Scorecard().scores.isEmpty)
    let names = card([(scene([(0, box(0, 0))]), explanation([(0, box(0, 0), box(0, 0))]))]).scores.map(\.name)
    #expect(Set(names).count == names.count && names.count >= 8)
  }
}

struct StatisticsTests {
  @Test func meanAndDeviationMatchHandValues() {
    let statistics = Statistics([2, 4, 4, 4, 5, 5, 7, 9])
    #expect(statistics.count == 8 && statistics.mean == 5)
    #expect(abs((statistics.standardDeviation ?? 0) - (32.0 / 7).squareRoot()) < 1e-12)
  }

  @Test func tooFewValuesHaveNoSpread() {
    #expect(Statistics().mean == nil && Statistics().standardDeviation == nil)
    #expect(Statistics([3]).mean == 3 && Statistics([3]).standardDeviation == nil)
  }

  @Test func valuesFarFromZeroKeepTheirSpread() {
    let deviation = Statistics([1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16]).standardDeviation
    #expect(abs((deviation ?? 0) - 30.0.squareRoot()) < 1e-6)
  }

  @Test func imagesOfUnknownTruthAreJudgedByPixelsAlone() {
    let unknown = Scene(height: 4, width: 4, pixels: [UInt8](repeating: 0, count: 16), objects: [], isLabeled: false)
    let found = explanation([(1, box(0, 0), box(0, 0))])
    let alone = card([(unknown, found)], reconstruction: 0.5)
    #expect(alone.scores.map(\.name) == ["squared_error", "mse", "rmse"] && alone.images == 1)
    #expect(alone["squared_error"] == 4 && alone.counts?.rows.isEmpty != false)
    // Beside labeled images it changes nothing of what is measured against the truth.
    let labeled = (scene([(1, box(0, 0))]), found)
    let both = card([labeled, (unknown, explanation([]))])
    #expect(both["count_accuracy"] == 1 && both["miou"] == 1 && both["category_correspondence"] == 1)
  }
}
