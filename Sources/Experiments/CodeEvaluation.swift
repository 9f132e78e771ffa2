import Datasets
import Evaluation
import Models
import Scenes
import Tensors

/// What is measured of models whose latents are codes of objects, beside what is measured of all.
struct CodeEvaluation {
  /// Scenes on which the threshold is searched (Nash et al. 2017, section 4.3); fewer where there are fewer training
  /// scenes, or few to test it.
  static let searchedScenes = 6400
  /// Scenes that are divided into objects: decoding every code alone takes as long as that many scenes.
  static let dividedScenes = 1000

  /// The names of `scores`.
  static let measures =
    ThresholdCounting.measures + [Measure("foreground_ari", better: .higher, takesLong: true)]

  private let model: any CodeModel
  private let workbench: Workbench
  private var examples: [ThresholdCounting.Example] = []
  private var divisions = Statistics()

  /// Nil for models of one code or none.
  init?(_ workbench: Workbench) {
    guard let model = workbench.model as? any CodeModel, model.objects > 1 else { return nil }
    (self.model, self.workbench) = (model, workbench)
  }

  /// Adds the scenes that have labels.
  mutating func add(_ batch: Batch) { examples += Self.examples(batch, model) }

  /// Adds how well the codes of some scenes of a split divide their pixels.
  mutating func divide(_ split: Split) {
    let dataset = workbench.dataset
    let size = workbench.config.evaluation.batch
    let scenes = min(Self.dividedScenes, dataset.size(of: split))
    for start in stride(from: 0, to: scenes, by: size) {
      let batch = Batch(dataset, split, indices: Array(start..<min(scenes, start + size)))
      for (index, labels) in Self.divided(batch.images, model).enumerated() {
        let truth = dataset.scene(batch.indices[index], of: split, withMasks: true)
        let owners = Self.owners(truth)
        let seen = owners.indices.filter { owners[$0] != nil }
        let pair = (seen.compactMap { owners[$0] }, seen.map { labels[$0] })
        if let agreement = adjustedRandIndex(pair.0, pair.1) { divisions.add(agreement) }
      }
    }
  }

  /// Throws what reading the training scenes throws.
  func scores() throws -> [Score] {
    let divided = divisions.mean.map { [Score("foreground_ari", $0)] } ?? []
    guard !examples.isEmpty else { return divided }
    let dataset = workbench.dataset
    try dataset.prepare(.train)
    let size = workbench.config.evaluation.batch
    let scenes = min(Self.searchedScenes, 4 * examples.count, dataset.size(of: .train))
    let searched = stride(from: 0, to: scenes, by: size).flatMap { start in
      Self.examples(Batch(dataset, .train, indices: Array(start..<min(scenes, start + size))), model)
    }
    return ThresholdCounting(searching: searched).scores(on: examples, searchedOn: searched) + divided
  }

  private static func examples(_ batch: Batch, _ model: any CodeModel) -> [ThresholdCounting.Example] {
    let information = model.codes(of: batch.images).information.array()
    return batch.scenes.enumerated().compactMap { index, scene in
      guard scene.isLabeled else { return nil }
      let own = information[index * model.objects..<(index + 1) * model.objects]
      return ThresholdCounting.Example(information: Array(own), count: scene.count)
    }
  }

  /// For every pixel of every image the code that, drawn alone, is brightest there.
  private static func divided(_ images: Tensor, _ model: any CodeModel) -> [[Int]] {
    let (batch, objects) = (images.shape[0], model.objects)
    let alone = model.decoded(model.codes(of: images).means, objects: 1)
    let (channels, plane) = (images.shape[1], images.shape[2] * images.shape[3])
    return alone.withUnsafeBuffer { levels in
      (0..<batch).map { image in
        (0..<plane).map { pixel in
          var (brightest, best) = (-Float.infinity, 0)
          for object in 0..<objects {
            let start = (image * objects + object) * channels * plane + pixel
            let level = (0..<channels).reduce(Float(0)) { $0 + levels[start + $1 * plane] }
            if level > brightest { (brightest, best) = (level, object) }
          }
          return best
        }
      }
    }
  }

  /// The object that alone covers a pixel, by more than half; nil where none does, or several do.
  private static func owners(_ scene: Scene) -> [Int?] {
    (0..<scene.height * scene.width).map { pixel in
      let covering = scene.masks.indices.filter { scene.masks[$0][pixel] > 127 }
      return covering.count == 1 ? covering[0] : nil
    }
  }
}
