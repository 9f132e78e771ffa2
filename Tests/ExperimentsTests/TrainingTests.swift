import Configuration
import Datasets
import Foundation
import Inference
import TestKit
import Testing

@testable import Experiments

struct TrainingTests {
  private let folder: TemporaryFolder
  private var path: String { folder.path + "/run" }

  init() throws { folder = try TemporaryFolder() }

  private func train(_ overrides: String...) throws -> (run: RunFolder, training: Training) {
    let run = try RunFolder(planning: path)
    let training = try Training(try workbench(try tiny(overrides)), in: run)
    try training.run()
    return (run, training)
  }

  @Test func stepsAndEvaluationsAreLoggedWhenTheyAreDue() throws {
    _ = try train("training.steps=10", "training.log_every=4", "training.evaluate_every=5")
    let lines = try metricLines(path)
    #expect(lines.filter { $0["split"] == nil }.map { $0["step"] } == [4, 8, 10])
    #expect(lines.filter { $0["split"] == "validation" }.map { $0["step"] } == [5, 10])
    #expect(lines.compactMap { $0["step"]?.double } == [4, 5, 8, 10, 10])
    let times = try String(contentsOfFile: "\(path)/timing.jsonl", encoding: .utf8).split(separator: "\n")
    #expect(times.filter { !$0.contains("validation") }.count == 3)
    let names = [
      "objective_loss", "baseline_loss", "log_likelihood", "nelbo", "count", "gradient_norm", "count_accuracy",
    ]
    for line in lines where line["split"] == nil { for name in names { #expect(line[name]?.double != nil, "\(name)") } }
  }

  /// The same steps taken by hand, and their values averaged. A penalty is not mistaken for what has its regularizer's name.
  @Test(arguments: ["regularizers=[]", "regularizers=[{ name: count, counts: [0, 2] }]"])
  func aLineHoldsTheMeansSinceTheLineBefore(regularizers: String) throws {
    _ = try train("training.steps=22", regularizers)
    let bench = try workbench(try tiny(regularizers))
    let batches = try BatchLoader(bench.dataset, batch: 4, seed: 0)
    var bounds: [Double] = []
    var objectives: [Double] = []
    var right: [Double] = []
    var counts: [Double] = []
    for step in 0..<22 {
      let batch = batches.next()
      let estimate = bench.train(on: batch.images, at: step)
      let terms = Dictionary(uniqueKeysWithValues: estimate.terms.map { ($0.name, $0.value.array().map(Double.init)) })
      bounds.append(try #require(terms["nelbo"]).reduce(0, +) / 4)
      objectives.append(Double(estimate.losses[0].value.scalar))
      let found = try #require(terms["count"])
      counts.append(found.reduce(0, +) / 4)
      right.append(Double(zip(found, batch.scenes).filter { $0 == Double($1.count) }.count) / 4)
    }
    let lines = try metricLines(path).filter { $0["split"] == nil }
    #expect(lines.map { $0["step"] } == [4, 8, 12, 16, 20, 22])
    for (index, line) in lines.enumerated() {
      let means = [("nelbo", bounds), ("objective_loss", objectives), ("count", counts), ("count_accuracy", right)]
      for (name, values) in means {
        let since = values[(4 * index)...].prefix(4)
        let mean = since.reduce(0, +) / Double(since.count)
        expectClose(try #require(line[name]?.double), mean, relative: 1e-6, "\(name), line \(index)")
      }
    }
    #expect(Set(bounds).count == 22)
  }

  @Test func theNewestCheckpointsStayAndTheLastStepAlwaysHasOne() throws {
    let run = try train("training.steps=11", "training.checkpoint_every=2", "training.keep_checkpoints=3").run
    #expect(try run.checkpoints.map(\.step) == [8, 10, 11])
  }

  @Test func zeroMeansOnlyAtTheEnd() throws {
    let (run, training) = try train(
      "training.evaluate_every=0", "training.checkpoint_every=0", "training.picture_every=0", "training.steps=5")
    #expect(try run.checkpoints.map(\.step) == [5])
    #expect(training.newestPicture == "\(path)/images/step-5.png")
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(path)/images") == ["step-5.png"])
    #expect(try metricLines(path).filter { $0["split"] != nil }.map { $0["step"] } == [5])
  }

  @Test func theRunHoldsTheWholeConfigItWasMadeFrom() throws {
    _ = try train("training.steps=1", "training.seed=3")
    let config = try Runner.check("\(path)/config.yaml", [])
    #expect(Runner.text(of: config) == Runner.text(of: try tiny("training.steps=1", "training.seed=3")))
  }

  @Test(arguments: estimators.names)
  func aLossThatIsNotFiniteEndsTheTrainingAndLeavesTheLastCheckpoint(_ estimator: String) throws {
    let config = try tiny(
      "estimator={ name: \(estimator) }", "training.optimizer={ name: sgd, rate: 10 }", "training.checkpoint_every=1",
      "training.log_every=1", "model.controller.presence_bias=10")
    let run = try RunFolder(planning: path)
    let error = #expect(throws: DivergenceError.self) { try Training(try workbench(config), in: run).run() }
    // "step 5: nelbo is inf, so training cannot go on. ..."
    let words = try #require(error).description
    let match = try #require(words.firstMatch(of: #/^step (\d+): (\w+) is (nan|-?inf), so training cannot go on\. /#))
    let step = try #require(Int(match.1))
    #expect(words.contains("training.optimizer.rate") && words.contains("training.clip_norm"))
    let logged = try metricLines(path).filter { $0["split"] == nil }
    #expect(logged.count == step - 1 && logged.last?["step"] == .integer(step - 1))
    #expect(logged.last?[String(match.2)]?.double?.isFinite == true)
    let last = try #require(try run.checkpoints.last)
    #expect(last.step == step - 1)
    #expect(try Checkpoint.restore(try workbench(config), from: last.path).step == step - 1)
  }
}

extension TrainingTests {
  @Test func messagesSpeakOfCheckpointsThatThereAre() throws {
    let words = complaint {
      _ = try train(
        "training.optimizer={ name: sgd, rate: 10 }", "training.checkpoint_every=0",
        "training.evaluate_every=0", "model.controller.presence_bias=10")
    }
    #expect(
      words.contains("Lower training.optimizer.rate") && words.hasSuffix("; no checkpoint was reached"), "\(words)")
  }

  @Test func anEpsilonOfZeroIsNamedAsTheCause() throws {
    let words = complaint { _ = try train("training.optimizer.epsilon=0") }
    #expect(words.contains("Raise training.optimizer.epsilon") && !words.contains("optimizer.rate"), "\(words)")
  }
}

struct FixedTests {
  @Test func numbersHaveThatManyDecimals() {
    let cases: [(Double, Int, String)] = [
      (0, 0, "0"), (0, 2, "0.00"), (1, 1, "1.0"), (12.3456, 2, "12.35"), (0.004, 2, "0.00"), (0.05, 1, "0.1"),
      (99.96, 1, "100.0"), (-1.25, 1, "-1.3"), (-0.04, 1, "0.0"), (-0.06, 1, "-0.1"), (0.5, 0, "1"), (-0.5, 0, "-1"),
      (1234567.8, 0, "1234568"), (0.001, 3, "0.001"), (1e-9, 3, "0.000"), (-12.5, 3, "-12.500"),
    ]
    for (value, decimals, text) in cases { #expect(fixed(value, decimals) == text, "\(value) with \(decimals)") }
  }

  @Test func whatDoesNotFitIsWrittenAsSwiftWritesIt() {
    for (value, text) in [
      (1e20, "1e+20"), (-1e300, "-1e+300"), (.infinity, "inf"), (-.infinity, "-inf"), (.nan, "nan"),
    ] {
      #expect(fixed(value, 2) == text)
    }
  }
}
