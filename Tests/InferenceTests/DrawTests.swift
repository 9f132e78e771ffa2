import Glibc
import Inference
import Layers
import Tensors
import TestKit
import Testing

@Suite struct DrawTests {
  private let stream = RandomStream(seed: 0)
  private let logits = Tensor.normals([4096]).scaled(by: 2)

  private func draw(_ discrete: Draw.Discrete) -> Draw { Draw(discrete, noise: stream, progress: .step(0)) }

  private func relaxed(_ temperature: Float, straightThrough: Bool = false) -> Draw {
    draw(
      .relaxed(
        Relaxation(
          .init(posterior: temperature, prior: 1), isStraightThrough: straightThrough, kl: .categorical)))
  }

  private func sample(_ draw: Draw, _ node: String = "presence", step: Int = 0, logits: Tensor? = nil) -> Tensor {
    draw.bernoulli(node, step: step, logits: logits ?? self.logits, priorLogOdds: Tensor(0)).sample
  }

  private func normal(_ draw: Draw, _ node: String = "window", step: Int = 0) -> NormalLatent {
    draw.normal(
      node, step: step, mean: .normals([512, 4], seed: 2), deviation: .uniforms([512, 4], in: 0.5...2),
      priorMean: .zeros([4]), priorDeviation: .ones([4]))
  }

  @Test(arguments: [-3, -0.5, 0, 0.8, 2.5] as [Float])
  func hardSamplesHaveTheFrequencyOfTheirLogit(logit: Float) {
    let count = 100_000
    let samples = sample(draw(.sampled), logits: Tensor(repeating: logit, shape: [count])).array()
    #expect(samples.allSatisfy { $0 == 0 || $0 == 1 })
    let p = 1 / (1 + exp(-Double(logit)))
    let frequency = Double(samples.reduce(0, +)) / Double(count)
    #expect(abs(frequency - p) < 4 * (p * (1 - p) / Double(count)).squareRoot())
  }

  @Test func hardSamplesCarryNoGradient() {
    let logits = Parameter("logits", self.logits)
    let slope = gradients(of: sample(draw(.sampled), logits: logits.tensor).sum(), for: [logits])[0]
    #expect(slope.sumOfSquares() == 0)
  }

  @Test func relaxedSampleBecomesTheHardOneAsItCools() {
    let hard = sample(draw(.sampled)).array()
    let distances = [1, 0.1, 1e-4].map { temperature in
      zip(sample(relaxed(temperature)).array(), hard).reduce(Float(0)) { $0 + abs($1.0 - $1.1) } / 4096
    }
    #expect(distances[0] > distances[1] && distances[1] > distances[2])
    #expect(distances[0] > 0.1 && distances[2] < 1e-4)
    // At any temperature the relaxed sample lies on the hard one's side of 1/2.
    #expect(sample(relaxed(0.5)).isAbove(0.5).array() == hard)
  }

  @Test func relaxedSampleIsDifferentiable() {
    expectGradient(of: { sample(relaxed(0.6), logits: $0) }, at: .normals([24]))
  }

  @Test func straightThroughIsHardForwardAndRelaxedBackward() {
    let parameter = Parameter("logits", logits)
    let (hard, soft) = (
      sample(relaxed(0.6, straightThrough: true), logits: parameter.tensor),
      sample(relaxed(0.6), logits: parameter.tensor)
    )
    #expect(hard.array() == sample(draw(.sampled)).array())
    let cotangent = Tensor.normals([4096], seed: 3)
    let slopes = [hard, soft].map { pulledBack(cotangent, from: $0, to: [parameter])[0].array() }
    #expect(slopes[0] == slopes[1])
    #expect(slopes[0].contains { $0 != 0 })
  }

  @Test func marginalSampleIsTheProbability() {
    expectClose(sample(draw(.marginal())), logits.array().map { 1 / (1 + exp(-$0)) })
    expectGradient(of: { sample(draw(.marginal()), logits: $0) }, at: .normals([8]))
  }

  @Test func modeTakesTheLikelierOutcomeAndTheMean() {
    #expect(sample(draw(.mode)).array() == logits.array().map { $0 > 0 ? 1 : 0 })
    #expect(normal(draw(.mode)).sample.array() == normal(draw(.mode)).mean.array())
  }

  @Test func modeUsesNoNoise() {
    let record = NoiseRecord()
    let mode = Draw(.mode, noise: stream, progress: .end, record: record)
    _ = (sample(mode), normal(mode))
    #expect(record.entries.isEmpty)
  }

  @Test func normalSampleIsMeanPlusDeviationTimesStandardNoise() {
    let latent = normal(draw(.sampled))
    let (samples, means, deviations) = (latent.sample.array(), latent.mean.array(), latent.deviation.array())
    let noise = samples.indices.map { Double((samples[$0] - means[$0]) / deviations[$0]) }
    let count = Double(noise.count)
    let mean = noise.reduce(0, +) / count
    let variance = noise.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    #expect(abs(mean) < 4 / count.squareRoot())
    #expect(abs(variance - 1) < 4 * (2 / count).squareRoot())
  }

  @Test func sameStreamGivesTheSameBits() {
    #expect(sample(draw(.sampled)).array() == sample(draw(.sampled)).array())
    #expect(sample(relaxed(0.3)).array() == sample(relaxed(0.3)).array())
    #expect(normal(draw(.sampled)).sample.array() == normal(draw(.sampled)).sample.array())
  }

  @Test func continuousNoiseDoesNotDependOnHowDiscreteNodesAreDrawn() {
    let hard = normal(draw(.sampled)).sample.array()
    #expect(normal(relaxed(0.5)).sample.array() == hard)
    #expect(normal(draw(.marginal())).sample.array() == hard)
  }

  @Test func discreteNoiseMayHaveAStreamOfItsOwn() {
    let other = Draw(.sampled, noise: stream, discreteNoise: RandomStream(seed: 9), progress: .step(0))
    #expect(normal(other).sample.array() == normal(draw(.sampled)).sample.array())
    #expect(sample(other).array() != sample(draw(.sampled)).array())
    let swapped = Draw(.sampled, noise: RandomStream(seed: 9), progress: .step(0))
    #expect(sample(other).array() == sample(swapped).array())
  }

  /// Noise of other nodes, steps and streams is uncorrelated: |r| below 4 / sqrt(n).
  @Test func noiseOfNodesAndStepsIsIndependent() {
    let record = NoiseRecord()
    let flat = Tensor.zeros([4096])
    for seed in 0..<2 {
      let draw = Draw(.sampled, noise: RandomStream(seed: seed), progress: .step(0), record: record)
      for node in ["presence", "category"] {
        for step in 0..<3 { _ = sample(draw, node, step: step, logits: flat) }
      }
    }
    let columns = record.entries.map { $0.noise.array() }
    #expect(columns.count == 12)
    for first in columns.indices {
      for second in columns.indices where second > first {
        let r = correlation(columns[first], columns[second])
        #expect(abs(r) < 4 / 64, "\(first), \(second)")
      }
    }
  }

  @Test func recordHoldsTheNoiseThatMadeTheSamples() throws {
    let record = NoiseRecord()
    let recording = Draw(.sampled, noise: stream, progress: .step(0), record: record)
    let (presence, window) = (sample(recording, step: 2), normal(recording, step: 1))
    #expect(record.entries.map(\.node) == ["presence", "window"])
    #expect(record.entries.map(\.step) == [2, 1])
    let (uniforms, normals) = (record.entries[0].noise, record.entries[1].noise)
    let replayed = zip(logits.array(), uniforms.array()).map { pair -> Float in
      1 / (1 + exp(-pair.0)) > 1 - pair.1 ? 1 : 0
    }
    // Logit and noise may round to either side where they cancel.
    #expect(zip(presence.array(), replayed).filter { $0 != $1 }.count <= 1)
    expectClose(window.sample, (window.mean + window.deviation * normals).array())
  }

  @Test func priorSamplesIgnoreWhatWasInferred() {
    let count = 100_000
    let latent = draw(.prior(objects: nil)).normal(
      "window", step: 0, mean: Tensor(repeating: 50, shape: [count, 2]),
      deviation: Tensor(repeating: 9, shape: [count, 2]), priorMean: Tensor(shape: [2], [1, -3]),
      priorDeviation: Tensor(shape: [2], [0.5, 2]))
    for (column, mean, deviation) in [(0, 1.0, 0.5), (1, -3.0, 2.0)] {
      let values = latent.sample.columns(column..<column + 1).array().map(Double.init)
      let average = values.reduce(0, +) / Double(count)
      let square = values.reduce(0) { $0 + ($1 - average) * ($1 - average) } / Double(count)
      #expect(abs(average - mean) < 4 * deviation / Double(count).squareRoot())
      #expect(abs(square.squareRoot() - deviation) < 0.02 * deviation)
    }
    let presence = draw(.prior(objects: nil)).bernoulli(
      "presence", step: 0, logits: Tensor(repeating: 5, shape: [count]), priorLogOdds: Tensor(-1))
    let frequency = Double(presence.sample.array().reduce(0, +)) / Double(count)
    let p = 1 / (1 + exp(1.0))
    #expect(abs(frequency - p) < 4 * (p * (1 - p) / Double(count)).squareRoot())
  }

  @Test func aGivenNumberOfObjectsIsThatManyFirstSteps() {
    for objects in 0...3 {
      let steps = (0..<3).map { sample(draw(.prior(objects: objects)), step: $0).array() }
      for step in 0..<3 { #expect(steps[step].allSatisfy { $0 == (step < objects ? 1 : 0) }) }
    }
  }

  private func correlation(_ x: [Float], _ y: [Float]) -> Double {
    func centered(_ values: [Float]) -> [Double] {
      let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
      return values.map { Double($0) - mean }
    }
    let (a, b) = (centered(x), centered(y))
    func dot(_ u: [Double], _ v: [Double]) -> Double { zip(u, v).reduce(0) { $0 + $1.0 * $1.1 } }
    return dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
  }
}
