import Inference
import Layers
import Tensors
import TestKit
import Testing

@Suite struct PassTests {
  private let model = ToyScene(rows: 64)
  private func pass() -> Pass {
    model.infer(model.images, drawing: Draw(.sampled, noise: RandomStream(seed: 1), progress: .step(0)))
  }

  @Test func hardPassHasTheBoundOfItsOutcome() throws {
    let pass = pass()
    let latents = ToyOracle.latents(ToyScene.values)
    let bounds = pass.negativeBound.array()
    let counts = try #require(pass.count).array()
    var seen: Set<Int> = []
    for row in 0..<model.rows {
      let outcome = pass.outcome(ofRow: row)
      seen.insert(ToyOracle.count(outcome))
      expectClose(
        Double(bounds[row]), ToyOracle.bound(latents, outcome), relative: 1e-5, "row \(row), outcome \(outcome)")
      #expect(counts[row] == Float(ToyOracle.count(outcome)))
    }
    #expect(seen == [0, 1, 2, 3])
  }

  @Test func reportedTermsAddUpToTheBound() throws {
    let pass = pass()
    let reported = pass.reported
    #expect(reported.map(\.name) == ["log_likelihood", "presence_kl", "window_kl", "nelbo", "count"])
    func value(_ name: String, _ row: Int) throws -> Float {
      try #require(reported.first { $0.name == name }).value.array()[row]
    }
    for row in [0, 7, 63] {
      let sum = try value("presence_kl", row) + value("window_kl", row) - value("log_likelihood", row)
      expectClose([try value("nelbo", row)], [sum])
      #expect(try value("nelbo", row) == pass.negativeBound.array()[row])
    }
  }

  @Test func reportedTermsCarryNoGradient() {
    for (name, value) in pass().reported {
      let sizes = gradients(of: value.sum(), for: model.parameters).map { $0.sumOfSquares() }
      #expect(sizes.allSatisfy { $0 == 0 }, "\(name)")
    }
  }

  @Test func latentsAreThoseOfTheTermsByNameImageAndStep() throws {
    let pass = pass()
    let latents = pass.latents
    #expect(latents.map(\.name) == ["presence", "window"])
    for term in pass.terms {
      let latent = try #require(latents.first { $0.name == term.node })
      let wanted: [Float]
      switch term.latent {
      case .normal(let normal): wanted = normal.sample.array()
      case .bernoulli(let bernoulli): wanted = bernoulli.logits.sigmoid().array()
      case .categorical(let categorical): wanted = categorical.logits.softmax().array()
      }
      #expect((0..<model.rows).flatMap { latent[$0, term.step] } == wanted)
    }
    let twice = latents[0].appending(latents[0])
    #expect(twice.values.count == 2 * latents[0].values.count && twice[model.rows + 3, 1] == latents[0][3, 1])
  }
}
