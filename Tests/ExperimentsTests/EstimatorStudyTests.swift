import Foundation
import Inference
import Tensors
import TestKit
import Testing

@testable import Configuration
@testable import Experiments

struct GradientMomentsTests {
  private let parts = [
    GradientMoments.Part(name: "all", members: [0, 1]), GradientMoments.Part(name: "second", members: [1]),
  ]

  /// 4,000 draws around (3, 0, 4) with deviations 0.5, 1 and 2.
  private func moments(reference: [Float], isExact: Bool) -> GradientMoments {
    let noise = RandomStream(seed: 0).normals([4000, 3]).array()
    func tensors(_ values: [Float]) -> [Tensor] {
      [Tensor(shape: [2], Array(values[0..<2])), Tensor(shape: [1], [values[2]])]
    }
    var moments = GradientMoments(parts, reference: tensors(reference), isExact: isExact)
    for draw in 0..<4000 {
      let own = noise[3 * draw..<3 * draw + 3]
      moments.add(tensors([3 + 0.5 * own[own.startIndex], own[own.startIndex + 1], 4 + 2 * own[own.startIndex + 2]]))
    }
    return moments
  }

  @Test func variancesAreThoseOfTheDrawsWhateverTheReference() {
    for reference in [[3, 0, 4], [100, -100, 7]] as [[Float]] {
      let moments = moments(reference: reference, isExact: true)
      expectClose(moments.summary(of: 0).variance, 0.25 + 1 + 4, relative: 0.06)
      expectClose(moments.summary(of: 1).variance, 4, relative: 0.08)
    }
  }

  @Test func anUnbiasedMeanIsWithinItsStandardErrors() throws {
    let summary = moments(reference: [3, 0, 4], isExact: true).summary(of: 0)
    let bias = try #require(summary.bias)
    // Along (3, 0, 4) a draw deviates by sqrt((1.5^2 + 8^2) / 25) of a length of 5.
    expectClose(bias.error, (66.25).squareRoot() / 25 / (4000.0).squareRoot(), relative: 0.06)
    #expect(abs(bias.value) < 4 * bias.error)
    expectClose(summary.length, 5, relative: 1e-6)
    expectClose(try #require(summary.signalToNoise), 5 / (5.25).squareRoot(), relative: 0.03)
  }

  @Test func aBiasedMeanIsOffByItsShare() throws {
    let bias = try #require(moments(reference: [6, 0, 8], isExact: true).summary(of: 0).bias)
    #expect(abs(bias.value + 0.5) < 5 * bias.error && bias.error < 0.01)
  }

  @Test func withoutAnExactGradientTheLengthIsThatOfTheMean() {
    let summary = moments(reference: [9, 9, 9], isExact: false).summary(of: 0)
    #expect(summary.bias == nil)
    expectClose(summary.length, 5, relative: 0.02)
  }

  @Test func drawsThatDoNotDifferHaveNoVariance() {
    var moments = GradientMoments(parts, reference: [.ones([2]), .ones([1])], isExact: false)
    for _ in 0..<5 { moments.add([.ones([2]).scaled(by: 1.3), .ones([1])]) }
    #expect(moments.summary(of: 0).variance == 0 && moments.summary(of: 0).signalToNoise == nil)
  }
}

struct EstimatorStudyTests {
  private let folder: TemporaryFolder
  private let config: String

  init() throws {
    folder = try TemporaryFolder()
    config = try folder.write(tinyConfig.utf8, to: "tiny.yaml")
  }

  private func options(_ batches: Int) -> EstimatorStudy.Options {
    var options = EstimatorStudy.Options()
    (options.batches, options.warmup) = (batches, 5)
    return options
  }

  /// All but the relaxed ones, whose bias is real, are within five standard errors of the exact gradient; vimco has another.
  @Test func biasAndVarianceAreWhatTheEstimatorsPromise() throws {
    // Variance normalization, which the config has, would rescale the score part.
    let keys = ["training.batch=8", "estimator.variance_normalization=false"]
    let comparison = try EstimatorStudy.run(config, keys: keys, options(400), dataFolder: "/dev/null")
    func row(_ name: String, _ part: String = "all") throws -> EstimatorComparison.Row {
      try #require(comparison.rows.first { $0.estimator == name && $0.part == part })
    }
    for name in ["reinforce", "nvil", "rebar"] {
      let bias = try #require(try row(name).summary.bias)
      #expect(abs(bias.value) < 5 * bias.error, "\(name)")
    }
    for name in ["marginal", "enumerate"] {
      let row = try row(name)
      #expect(
        abs(row.summary.bias?.value ?? .nan) < 1e-4 && row.summary.variance < 1e-6 * row.summary.length, "\(name)")
    }
    #expect(try row("rebar").summary.variance < row("reinforce").summary.variance)
    let passes = try EstimatorStudy.contenders.map { try row($0.name).passes }
    #expect(passes == [1, 1, 5, 1, 1, 2, 1, 3])
    let parts = Set(comparison.rows.map(\.part))
    #expect(Set(["all", "controller", "appearance", "head", "presence/0", "presence/1"]).isSubset(of: parts))
    for contender in EstimatorStudy.contenders {
      #expect(Set(comparison.rows.filter { $0.estimator == contender.name }.map(\.part)) == parts)
    }
  }

  @Test func theConfigsOwnEstimatorIsMeasuredAsItIsSet() throws {
    let variances = try ["learn_eta: false, eta: 0", "learn_eta: false, eta: 1"].map { settings in
      let comparison = try EstimatorStudy.run(
        config, keys: ["estimator={ name: rebar, \(settings) }"], options(50), dataFolder: "/dev/null")
      return try ["rebar", "reinforce"].map { name in
        try #require(comparison.rows.first { $0.estimator == name && $0.part == "all" }).summary.variance
      }
    }
    #expect(variances[0][0] != variances[1][0] && variances[0][1] == variances[1][1])
  }

  @Test func aRunIsMeasuredAtItsStartAndItsCheckpoints() throws {
    let run = try Runner.train(
      config: config, overrides: ["training.steps=16"], base: folder.path, name: "run", dataFolder: "/dev/null"
    ).folder
    let outcome = try Program.run(
      [
        "estimators", run, "--batches", "3", "--warmup", "2", "--csv", "all.csv", "--out", "all.svg", "--data",
        "/dev/null",
      ], in: folder.path)
    #expect(outcome.status == 0, "\(outcome.messages)")
    let csv = try String(contentsOfFile: "\(folder.path)/all.csv", encoding: .utf8).split(separator: "\n")
    #expect(csv[0].hasPrefix("step,estimator,part,bias,bias_error,length,variance"))
    #expect(Set(csv.dropFirst().map { $0.prefix { $0 != "," } }) == ["0", "8", "16"])
    #expect(csv.dropFirst().allSatisfy { $0.filter { $0 == "," }.count == 10 })
    #expect(try String(contentsOfFile: "\(folder.path)/all.svg", encoding: .utf8).contains("<svg"))
    for step in [0, 8, 16] { #expect(outcome.output.contains("step \(step) ")) }
    #expect(outcome.output.contains("reinforce") && outcome.output.contains("presence/1"))
  }

  @Test func whatCannotBeStudiedIsSaid() throws {
    for (words, message) in [
      (["none.yaml"], "none.yaml"),
      ([config, "--out", "a.pdf"], "a.pdf: the name's ending decides the format; .svg or .png"),
      ([config, "estimator.name=rebarr"], "did you mean 'rebar'?"),
    ] {
      let outcome = try Program.run(["estimators"] + words, in: folder.path)
      #expect(outcome.status == 2 && outcome.messages.contains(message), "\(outcome.messages)")
    }
  }

  /// Where the outcomes are too many to list, there is no exact gradient, and nothing is enumerated.
  @Test func withoutAnExactGradientThereIsNoBias() throws {
    let keys = ["model.appearance={ name: category, categories: 40, encoder: [6], template: [6], modifier: [6] }"]
    let comparison = try EstimatorStudy.run(config, keys: keys, options(2), dataFolder: "/dev/null")
    #expect(!comparison.rows.isEmpty && comparison.rows.allSatisfy { $0.summary.bias == nil })
    #expect(!comparison.rows.contains { $0.estimator == "enumerate" })
    #expect(comparison.text.contains("category/1"))
  }

  @Test func aConfigWithMoreOutcomesThanTheLimitIsRefusedWhenItLoads() throws {
    let words = complaint {
      _ = try tiny("estimator.name=enumerate", "model.appearance={ name: category, categories: 40 }")
    }
    #expect(words.contains("there are 1641, above its limit of 100") && words.contains("estimator.limit"), "\(words)")
    #expect(complaint { _ = try tiny("estimator.name=enumerate") }.isEmpty)
  }

  @Test func benchmarkTimesEveryEstimator() throws {
    let outcome = try Program.run(
      [
        "bench", "estimators", "--seconds=1", "--threads=1", "dataset.name=multi-sprites", "dataset.side=20",
        "dataset.counts={1: 40}", "dataset.diameter={smallest: 6, largest: 8}", "training.batch=4",
        "model.controller.hidden=8", "model.glimpse=6", "model.window.scale_prior.mean=0.4",
        "estimator.baseline.hidden=8",
      ], in: folder.path)
    #expect(outcome.status == 0, "\(outcome.messages)")
    for contender in EstimatorStudy.contenders { #expect(outcome.output.contains("\n\(contender.name) ")) }
  }

  @Test func curvesAreDrawnAgainstSecondsToo() throws {
    let run = try Runner.train(
      config: config, overrides: ["training.steps=16"], base: folder.path, name: "run", dataFolder: "/dev/null"
    ).folder
    try Curves.write(
      runs: [run], metric: "nelbo", against: .seconds, picture: nil,
      table: output("\(folder.path)/curves.csv"))
    let lines = try String(contentsOfFile: "\(folder.path)/curves.csv", encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 3 && lines[0].hasPrefix("seconds,"))
    let times = lines.dropFirst().compactMap { Double($0.prefix { $0 != "," }) }
    #expect(times.count == 2 && times[0] > 0 && times[0] < times[1])
  }
}
