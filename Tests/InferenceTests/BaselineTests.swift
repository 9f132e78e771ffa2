import Layers
import Tensors
import TestKit
import Testing

@testable import Inference

@Suite struct BaselineTests {
  private let images = Tensor.uniforms([4, 6])
  private let others = Tensor.uniforms([4, 6], seed: 2)
  private let fed = Tensor.normals([4, 2])

  private func predictions(_ contexts: [(pixels: PixelRows, fed: Tensor)]) -> [[Float]] {
    var config = Baseline.Config()
    config.hidden = 5
    config.layers = [6]
    let shape = ContextShape(
      steps: 3, pixels: 6, fed: 2, discreteNodes: [.presence(), .categorical("category", outcomes: 3)])
    let baseline = Baseline(config, shape, in: Scope(ParameterStore(), random: RandomStream(seed: 0)))
    return baseline(contexts.map { StepContext(pixels: $0.pixels, fed: $0.fed) }).map { $0.array() }
  }

  @Test func onePredictionForEachImageAndNodeAtEachStep() {
    let pixels = PixelRows(images)
    #expect(predictions([(pixels, fed), (pixels, fed), (pixels, fed)]).map(\.count) == [8, 8, 8])
  }

  @Test func predictionsFollowWhatTheControllerHasSeenSoFar() {
    let (same, other) = (PixelRows(images), PixelRows(others))
    let before = predictions([(same, fed), (same, fed), (same, fed)])
    let pixelsChange = predictions([(same, fed), (other, fed), (same, fed)])
    let fedChanges = predictions([(same, fed), (same, fed * 2), (same, fed)])
    for after in [pixelsChange, fedChanges] {
      #expect(after[0] == before[0])
      #expect(after[1] != before[1] && after[2] != before[2])
    }
  }

  @Test func whatWasDrawnIsTakenAwayFromWhatIsSeen() {
    let (image, drawn) = (PixelRows(images), [others * 0.5, others * 0.25])
    var config = Baseline.Config()
    config.hidden = 5
    let shape = ContextShape(steps: 3, pixels: 6, fed: 2, discreteNodes: [.presence()])
    let baseline = Baseline(config, shape, in: Scope(ParameterStore(), random: RandomStream(seed: 0)))
    let rows = drawn.map { PixelRows(drawn: $0) }
    let apart = baseline([
      StepContext(pixels: image, fed: fed), StepContext(pixels: image, drawn: [rows[0]], fed: fed),
      StepContext(pixels: image, drawn: rows, fed: fed),
    ])
    let whole = baseline([
      StepContext(pixels: image, fed: fed), StepContext(pixels: PixelRows(images - drawn[0]), fed: fed),
      StepContext(pixels: PixelRows(images - drawn[0] - drawn[1]), fed: fed),
    ])
    for (own, expected) in zip(apart, whole) { expectClose(own, expected, absolute: 1e-5) }
  }

  /// Pixels that stay the same object are multiplied once; equal pixels in another object give the same prediction.
  @Test func sharedPixelsChangeNothing() {
    let shared = PixelRows(images)
    let copies = (0..<3).map { _ in (PixelRows(images), fed) }
    #expect(predictions([(shared, fed), (shared, fed), (shared, fed)]) == predictions(copies))
  }
}
