import Datasets
import Models
import Pictures
import Scenes
import Tensors

/// Exchanges an object between two scenes (Nash et al. 2017, figure 3): the codes of highest KL change places, and both
/// scenes are drawn.
///
/// A pair succeeds where each drawn scene is closer, in squared error, to what it would be with the two objects exchanged
/// than to either input. Two scenes of one object each turn into each other, so that each has but its own input to be told from.
/// Which true objects the codes stand for is not known: the pair of objects counts with which the drawn scenes agree best.
public enum EntityExchange {
  public struct Outcome {
    public let pairs, successes: Int
    /// Of these, pairs of scenes with one object each.
    public let single, singleSuccesses: Int
    public var share: Double { Double(successes) / Double(max(1, pairs)) }
  }

  /// A pair of scenes and what became of it.
  private struct Exchange {
    let inputs, reconstructions, drawn, expected: [[Float]]
    let isSingle, succeeds: Bool
  }

  /// Exchanges objects of `pairs` pairs of test scenes with at least one object each, drawn by `seed`, and draws the first
  /// `rows` of them: inputs, reconstructions, scenes drawn, scenes as they would be.
  /// Throws `RunError` for a run that cannot be used.
  public static func write(
    run: String, step: Int?, pairs: Int, rows: Int, seed: Int, dataFolder: String, to out: OutputFile
  ) throws -> Outcome {
    let (workbench, model) = try CodeFigures.model(run, step: step, dataFolder: dataFolder)
    guard model.objects > 1 else {
      throw RunError(
        "\(run): model '\(workbench.config.model.name)' has one code a scene, so no object can be exchanged")
    }
    let dataset = workbench.dataset
    try workbench.requireScenes(of: .test)
    try dataset.prepare(.test)
    var generator = RandomStream(seed: seed).child("entity exchange").generator()
    var exchanges: [Exchange] = []
    var tries = 0
    while exchanges.count < pairs {
      tries += 1
      let indices = (0..<2).map { _ in generator.integer(below: dataset.size(of: .test)) }
      let scenes = indices.map { dataset.scene($0, of: .test, withMasks: true) }
      if scenes.allSatisfy({ $0.count > 0 && $0.masks.count == $0.count }) {
        exchanges.append(exchange(scenes, Batch(dataset, .test, indices: indices).images, model))
      } else if tries > 1000 && exchanges.isEmpty {
        throw RunError("\(run): dataset '\(dataset.name)' has no scenes with objects to exchange")
      }
    }
    let shape = [1, dataset.channels, dataset.height, dataset.width]
    let cells = exchanges.prefix(rows).flatMap { pair in
      (pair.inputs + pair.reconstructions + pair.drawn + pair.expected).flatMap {
        SceneGrid.pictures(Tensor(shape: shape, $0))
      }
    }
    let zoom = max(1, 96 / max(dataset.height, dataset.width))
    try ModelFigures.write(Picture.grid(cells.map { $0.enlarged(by: zoom) }, columns: 8), to: out)
    return Outcome(
      pairs: exchanges.count, successes: exchanges.count { $0.succeeds }, single: exchanges.count { $0.isSingle },
      singleSuccesses: exchanges.count { $0.isSingle && $0.succeeds })
  }

  private static func exchange(_ scenes: [Scene], _ images: Tensor, _ model: any CodeModel) -> Exchange {
    let (objects, size) = (model.objects, model.codeSize)
    let codes = model.codes(of: images).means
    var values = codes.array()
    for index in 0..<size { values.swapAt(index, objects * size + index) }
    let reconstructions = split(model.decoded(codes, objects: objects))
    let drawn = split(model.decoded(Tensor(shape: codes.shape, values), objects: objects))
    let inputs = split(images)
    var best: (error: Double, expected: [[Float]]) = (.infinity, inputs)
    for first in 0..<scenes[0].count {
      for second in 0..<scenes[1].count {
        let expected = [
          rendered(scenes[0], without: first, with: (scenes[1], second)),
          rendered(scenes[1], without: second, with: (scenes[0], first)),
        ]
        let error = distance(drawn[0], expected[0]) + distance(drawn[1], expected[1])
        if error < best.error { best = (error, expected) }
      }
    }
    let isSingle = scenes.allSatisfy { $0.count == 1 }
    return Exchange(
      inputs: inputs, reconstructions: reconstructions, drawn: drawn, expected: best.expected, isSingle: isSingle,
      succeeds: succeeds(drawn: drawn, expected: best.expected, inputs: inputs, isSingle: isSingle))
  }

  /// Whether both drawn scenes are closer to what is expected than to either input, of single objects than to their own.
  static func succeeds(drawn: [[Float]], expected: [[Float]], inputs: [[Float]], isSingle: Bool) -> Bool {
    (0..<2).allSatisfy { scene in
      let own = distance(drawn[scene], expected[scene])
      return (isSingle ? [inputs[scene]] : inputs).allSatisfy { own < distance(drawn[scene], $0) }
    }
  }

  /// A scene with one object in place of another, each object's ink in its color, the sum clipped at 1.
  private static func rendered(
    _ scene: Scene, without object: Int, with other: (scene: Scene, object: Int)
  ) -> [Float] {
    var levels = [Float](repeating: 0, count: scene.pixels.count)
    func add(_ from: Scene, _ index: Int) {
      let color = from.objects[index].color ?? Array(repeating: 1, count: scene.channels)
      let plane = scene.height * scene.width
      for (channel, share) in color.enumerated() {
        for pixel in 0..<plane {
          levels[channel * plane + pixel] += Float(share) * Float(from.masks[index][pixel]) / 255
        }
      }
    }
    for index in scene.objects.indices where index != object { add(scene, index) }
    add(other.scene, other.object)
    return levels.map { min($0, 1) }
  }

  private static func split(_ images: Tensor) -> [[Float]] {
    let size = images.count / images.shape[0]
    let values = images.array()
    return (0..<images.shape[0]).map { Array(values[$0 * size..<($0 + 1) * size]) }
  }

  private static func distance(_ a: [Float], _ b: [Float]) -> Double {
    zip(a, b).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
  }
}
