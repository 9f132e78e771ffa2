import Foundation
import Layers
import Tensors
import TestKit
import Testing

@testable import Inference

@Suite struct VIMCOTests {
  private let weights: [[Double]] = [[-300, -301, -304], [2, 2, 2], [0, -40, 3]]

  private func logMeanExp(_ values: [Double]) -> Double {
    log(values.reduce(0) { $0 + exp($1) } / Double(values.count))
  }

  @Test(arguments: VIMCO.Config.Mean.allCases)
  func signalIsTheBoundLessTheBoundWithTheOthersMeanInTheParticlesPlace(_ mean: VIMCO.Config.Mean) {
    let tensor = Tensor(shape: [3, 3], weights.flatMap { $0.map(Float.init) })
    let expected = weights.flatMap { row -> [Float] in
      // Shifted, so that nothing underflows.
      let row = row.map { $0 - row[0] }
      return row.indices.map { index in
        let others = row.indices.filter { $0 != index }.map { row[$0] }
        let stand = mean == .geometric ? others.reduce(0, +) / 2 : logMeanExp(others)
        return Float(logMeanExp(row) - logMeanExp(others + [stand]))
      }
    }
    expectClose(VIMCO.signals(tensor, mean), expected, absolute: 1e-4)
  }

  @Test(arguments: [2, 5]) func lossIsTheImportanceWeightedBoundLessTheScores(_ samples: Int) throws {
    let model = ToyScene(rows: 6)
    var config = VIMCO.Config()
    config.samples = samples
    let noise = EstimatorNoise(RandomStream(seed: 4))
    let estimate = VIMCO(config).estimate(model, model.images, at: 0, noise: noise)
    let pass = model.infer(
      model.images.repeatingRows(samples), drawing: Draw(.sampled, noise: noise.stream, progress: .step(0)))
    let (logWeights, scores) = (pass.logWeight.array().map(Double.init), try #require(pass.logProbability).array())
    let signals = VIMCO.signals(pass.logWeight.reshaped([6, samples]), .geometric).array()
    let bounds = (0..<6).map { row in -logMeanExp(Array(logWeights[row * samples..<(row + 1) * samples])) }
    expectClose(try #require(estimate.terms.first { $0.name == "iw_nelbo" }).value, bounds.map(Float.init))
    let score = zip(signals, scores).reduce(0.0) { $0 + Double($1.0 * $1.1) }
    expectClose(Double(estimate.loss.scalar), (bounds.reduce(0, +) - score) / 6, relative: 1e-5)
    #expect(estimate.terms.allSatisfy { $0.value.shape == [6] })
  }

  /// A penalty is no part of the weights: its expectation is added, and discrete samples answer for it.
  @Test func penaltiesAddTheirExpectation() {
    let rows = 20_000
    let (plain, penalized) = (ToyScene(rows: rows), Penalized(scene: ToyScene(rows: rows)))
    func gradients(_ model: any InferenceModel) -> [[Float]] {
      let estimate = VIMCO().estimate(model, plain.images, at: 0, noise: EstimatorNoise(RandomStream(seed: 0)))
      let scene = (model as? Penalized)?.scene ?? plain
      return scene.gradientRows(of: estimate.loss * Float(rows))
    }
    let expected = slope(
      of: { values in
        zip(ToyOracle.results(values, isMasked: true), ToyOracle.outcomes).reduce(0) {
          $0 + $1.0.probability * 7 * Double(ToyOracle.count($1.1))
        }
      }, at: ToyScene.values)
    let differences = zip(gradients(penalized), gradients(plain)).map { zip($0, $1).map { $0 - $1 } }
    let verdict = UnbiasednessTests.verdict(differences, expecting: expected)
    #expect(verdict.isUnbiased && verdict.tested > 4, "\(verdict)")
  }

  /// A scene whose objects cost 7 each.
  private struct Penalized: InferenceModel {
    let scene: ToyScene
    var contextShape: ContextShape { scene.contextShape }
    var store: ParameterStore { scene.store }
    func infer(_ images: Tensor, drawing draw: Draw) -> Pass {
      var pass = scene.infer(images, drawing: draw)
      pass.penalties = [Penalty("objects", perImage: pass.count?.scaled(by: 7))]
      return pass
    }
  }
}
