import Configuration
import Foundation
import Inference
import Tensors
import TestKit
import Testing

@testable import Experiments

/// A training step that scripts/parity/air_step.py recomputed with PyTorch in float64.
///
/// Regenerate by scripts/parity/make_fixtures.sh.
struct StepFixture: CustomTestStringConvertible, Sendable {
  static let folder = "\(repository)/Tests/ExperimentsTests/Fixtures"
  static let all = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
    .filter { $0.hasSuffix(".safetensors") }.sorted().map { StepFixture(testDescription: $0) }

  let testDescription: String

  func read() throws -> SafeTensors.Contents { try SafeTensors.read("\(Self.folder)/\(testDescription)") }
}

extension SafeTensors.Contents {
  /// Tensors whose name begins so, by the rest of the name.
  fileprivate func under(_ prefix: String) -> [String: Tensor] {
    Dictionary(
      uniqueKeysWithValues: tensors.filter { $0.key.hasPrefix(prefix) }.map {
        ($0.key.dropFirst(prefix.count) + "", $0.value)
      })
  }
}

struct ParityTests {
  /// The step as this program takes it, from the fixture's parameters and images.
  private struct Replay {
    let contents: SafeTensors.Contents
    let workbench: Workbench
    let record = NoiseRecord()
    let step: Int
    let estimate: Estimate
    let gradients: [(name: String, value: Tensor)]

    init(_ fixture: StepFixture) throws {
      contents = try fixture.read()
      let text = try #require(contents.metadata["config"])
      let config = try ConfigurationFile.load(RunConfig.self, text: text, name: fixture.testDescription).value
      step = try #require(contents.metadata["step"].flatMap { Int($0) })
      workbench = try Workbench(config, dataFolder: "/dev/null")
      let values = contents.under("parameters/")
      #expect(Set(values.keys) == Set(workbench.parameters.map(\.name)))
      for parameter in workbench.parameters { parameter.assign(try #require(values[parameter.name])) }
      // The running mean of costs, where the estimator subtracts it.
      if let centering = contents.tensors["constants/centering"] {
        try #require(workbench.estimator.statistics.first { $0.name == "nvil/mean" }).assign(centering)
      }
      let images = try #require(contents.tensors["images"])
      estimate = workbench.estimator.estimate(
        workbench.regularized, images, at: step, noise: workbench.noise(at: step, record: record))
      let slopes = Tensors.gradients(of: estimate.loss, for: workbench.parameters)
      gradients = zip(workbench.parameters, slopes).map { ($0.name, $1) }
    }
  }

  @Test func everyEstimatorModelAndRegularizerHasAFixture() throws {
    let made = try StepFixture.all.flatMap { fixture in
      let contents = try fixture.read()
      for key in ["generator", "torch", "date"] { #expect(contents.metadata[key]?.isEmpty == false) }
      let config = try ConfigurationFile.load(
        RunConfig.self, text: contents.metadata["config"] ?? "", name: fixture.testDescription
      ).value
      return ["\(config.model.name) \(config.estimator.name)"] + config.regularizers.map(\.name)
    }
    let wanted = [
      "air nvil", "air gumbel-softmax", "air marginal", "dair nvil", "discrete-air nvil", "discrete-air gumbel-softmax",
      "discrete-air marginal", "dm-vae nvil", "dm-vae gumbel-softmax", "air-pprior gumbel-softmax", "air-asr nvil",
      "air-asr marginal", "information", "balance", "count", "overlap", "kl_weights",
      "mvae marginal", "mvae nvil", "vae marginal",
    ]
    #expect(Set(wanted).isSubset(of: made))
  }

  @Test(arguments: StepFixture.all) func noiseAndConstantsAreThoseOfTheFixture(_ fixture: StepFixture) throws {
    let replay = try Replay(fixture)
    let drawn = replay.record.entries.map { ("\($0.node)/\($0.step)", $0.noise) }
    let noise = replay.contents.under("noise/")
    #expect(Set(drawn.map(\.0)) == Set(noise.keys))
    for (name, tensor) in drawn {
      expectClose(tensor, try #require(noise[name]), absolute: 1e-6, relative: 1e-6, "noise of \(name)")
    }
    // Penalties are computed, not given.
    let constants = replay.contents.under("constants/")
      .merging(replay.contents.under("expected/constants/")) { $1 }
    let used = replay.workbench.model.constants(at: .step(replay.step)) + replay.estimate.constants
    #expect(Set(used.map(\.name)) == Set(constants.keys))
    for (name, value) in used {
      let relative = name.hasPrefix("penalty/") ? 1e-5 : 1e-6
      expectClose(value, try #require(constants[name]), absolute: 0, relative: relative, "constant \(name)")
    }
  }

  /// To 1e-5, image by image, relative to the term or its root mean square over the images.
  @Test(arguments: StepFixture.all) func termsAndLossesAreThoseOfPyTorch(_ fixture: StepFixture) throws {
    let replay = try Replay(fixture)
    let terms = replay.contents.under("expected/terms/")
    #expect(Set(replay.estimate.terms.map(\.name)) == Set(terms.keys))
    for (name, value) in replay.estimate.terms {
      let expected = try #require(terms[name]).array().map(Double.init)
      #expect(value.shape == [expected.count])
      let usual = norm(expected) / Double(expected.count).squareRoot()
      for (index, (found, wanted)) in zip(value.array(), expected).enumerated() {
        let error = abs(Double(found) - wanted)
        #expect(error <= 1e-5 * max(abs(wanted), usual), "\(name)[\(index)] is \(found), PyTorch has \(wanted)")
      }
    }
    let losses = replay.contents.under("expected/loss/")
    #expect(Set(replay.estimate.losses.map(\.name)) == Set(losses.keys))
    // A score's share of the objective has either sign: the costs behind it set the scale.
    let scale = try #require(terms["nelbo"]).array().map { abs(Double($0)) }.max() ?? 0
    for (name, value) in replay.estimate.losses {
      let wanted = Double(try #require(losses[name]).array()[0])
      expectClose(Double(value.scalar), wanted, absolute: 1e-5 * scale, relative: 1e-5, "loss \(name)")
    }
  }

  /// ||a - b|| <= 1e-4 max(||b||, 1e-6 ||g||) for every tensor, g the whole gradient.
  @Test(arguments: StepFixture.all) func gradientsAreThoseOfPyTorch(_ fixture: StepFixture) throws {
    let replay = try Replay(fixture)
    let expected = replay.contents.under("expected/gradients/")
    #expect(Set(replay.gradients.map(\.name)) == Set(expected.keys))
    let whole = norm(expected.values.flatMap { $0.array().map(Double.init) })
    #expect(whole > 0)
    for (name, found) in replay.gradients {
      let wanted = try #require(expected[name])
      #expect(found.shape == wanted.shape)
      let (a, b) = (found.array().map(Double.init), wanted.array().map(Double.init))
      let error = norm(zip(a, b).map { $0 - $1 })
      let allowed = 1e-4 * max(norm(b), 1e-6 * whole)
      #expect(error <= allowed, "gradient of \(name) is \(error) from PyTorch's of norm \(norm(b))")
    }
  }

  private func norm(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
}
