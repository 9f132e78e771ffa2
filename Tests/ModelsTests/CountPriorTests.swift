import Glibc
import Layers
import TestKit
import Testing

@testable import Models

/// P(n), n = 0 ... T, from the log-odds of going on at each step.
func countProbabilities(_ logOdds: [Double]) -> [Double] {
  let present = logOdds.map { 1 / (1 + exp(-$0)) }
  return (0...logOdds.count).map { count in
    let stop = count < logOdds.count ? 1 / (1 + exp(logOdds[count])) : 1
    return present[..<count].reduce(stop, *)
  }
}

extension Double {
  var logarithm: Double { log(self) }
}

@Suite struct CountPriorTests {
  private func truncated(_ ratio: Double) -> TruncatedGeometric { TruncatedGeometric(ratio: Schedule(ratio)) }

  /// The values that three published implementations share for T = 3, k = 0.01.
  @Test func truncatedGeometricHasTheKnownTrialProbabilities() {
    let trials = truncated(0.01).logOdds(steps: 3, at: .end).map { 1 / (1 + exp(-$0)) }
    for (trial, known) in zip(trials, [0.0099999901, 0.0099990100, 0.0099009901]) {
      expectClose(trial, known, absolute: 5e-11, relative: 0)
    }
  }

  @Test func truncatedGeometricHasTheKnownCounts() {
    let counts = countProbabilities(truncated(0.01).logOdds(steps: 3, at: .end))
    for (count, known) in zip(counts, [0.990000, 9.9e-3, 9.9e-5, 9.9e-7]) {
      expectClose(count, known, absolute: 0, relative: 5e-7)
    }
  }

  @Test(arguments: [1e-9, 0.01, 0.5, 0.99], [1, 3, 6])
  func truncatedGeometricIsProportionalToPowers(ratio: Double, steps: Int) {
    let counts = countProbabilities(truncated(ratio).logOdds(steps: steps, at: .end))
    let total = (0...steps).reduce(0) { $0 + pow(ratio, Double($1)) }
    for (n, probability) in counts.enumerated() {
      expectClose(probability, pow(ratio, Double(n)) / total, absolute: 0, relative: 1e-9)
    }
    expectClose(counts.reduce(0, +), 1)
  }

  @Test(arguments: [1e-30, 0.999999])
  func logOddsAreFiniteAtTheEndsOfTheRange(value: Double) {
    let priors: [any CountPrior] = [truncated(value), Geometric(success: Schedule(value))]
    for prior in priors { #expect(prior.logOdds(steps: 64, at: .end).allSatisfy { $0.isFinite }) }
  }

  @Test func geometricGoesOnWithItsSuccessProbability() {
    let counts = countProbabilities(Geometric(success: Schedule(0.3)).logOdds(steps: 3, at: .end))
    // P(n) = s^n (1 - s); all counts of at least T fall on T.
    for (count, known) in zip(counts, [0.7, 0.21, 0.063, 0.027]) { expectClose(count, known, relative: 1e-12) }
  }

  @Test(arguments: countPriors.names)
  func priorsFollowTheirSchedules(name: String) throws {
    let prior = try countPriors.make(countPriors.choice(name), ())
    let (start, end) = (prior.logOdds(steps: 3, at: .step(0)), prior.logOdds(steps: 3, at: .end))
    #expect(start.count == 3 && end.count == 3)
    #expect(zip(start, end).allSatisfy { $0 > $1 })
    #expect(prior.logOdds(steps: 3, at: .step(10_000_000)) == end)
  }

  @Test func modelReportsThePriorOfItsStep() throws {
    let model = try Tiny.model(Tiny.config())
    let expected = TruncatedGeometric().logOdds(steps: 3, at: .step(3000)).map(Float.init)
    let constant = try #require(model.constants(at: .step(3000)).first { $0.name == "presence_prior_log_odds" })
    #expect(constant.value.array() == expected)
  }
}
