import Configuration
import Datasets
import Evaluation
import Foundation
import Pictures
import Scenes
import Tensors
import TestKit
import Testing

@testable import Experiments

struct EvaluatorTests {
  /// A model whose counts vary: parameters far from their start, presences as likely as not.
  private func scattered(_ overrides: String...) throws -> Workbench {
    let bench = try workbench(try tiny(overrides + ["model.controller.presence_bias=0"]))
    for parameter in bench.parameters {
      let noise = RandomStream(seed: 2).child(parameter.name).normals(parameter.shape)
      parameter.assign(parameter.tensor.detached() + noise.scaled(by: 2))
    }
    return bench
  }

  /// Every scene by itself, against whole batches.
  @Test(arguments: Split.allCases) func scoresAreThoseOfTheModelsExplanations(_ split: Split) throws {
    let bench = try scattered()
    let result = try Evaluator(bench).evaluate(split)
    try bench.dataset.prepare(split)
    let size = bench.dataset.size(of: split)
    var right = 0
    var error = 0.0
    var found: Set<Int> = []
    for index in 0..<size {
      let batch = Batch(bench.dataset, split, indices: [index])
      let explanation = bench.model.explain(batch.images)
      found.insert(explanation.scenes[0].count)
      right += explanation.scenes[0].count == bench.dataset.scene(index, of: split).objects.count ? 1 : 0
      error += zip(batch.images.array(), explanation.reconstruction.array())
        .reduce(0) { $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1)) }
    }
    #expect(found.count > 1 && right > 0 && right < size)
    #expect(result["count_accuracy"] == Double(right) / Double(size))
    #expect(result.counts?.rows.joined().reduce(0, +) == size)
    expectClose(try #require(result["squared_error"]), error / Double(size), relative: 1e-5)
  }

  @Test func theBoundComesFirstAndIsTheSumOfItsTerms() throws {
    let result = try Evaluator(try scattered()).evaluate(.test)
    #expect(result.scores.first?.name == "nelbo")
    let names = ["presence_kl", "window_kl", "appearance_kl"]
    let kls = try names.map { try #require(result[$0]) }
    #expect(kls.allSatisfy { $0 > 0 })
    expectClose(
      try #require(result["nelbo"]), kls.reduce(0, +) - (try #require(result["log_likelihood"])), relative: 1e-6)
  }

  @Test func anEvaluationRepeatsItselfAndChangesNothing() throws {
    let bench = try scattered()
    let before = bench.values
    let first = try Evaluator(bench).evaluate(.validation)
    #expect(try Evaluator(bench).evaluate(.validation).scores == first.scores && bench.values == before)
    #expect(try Evaluator(bench).evaluate(.test).scores != first.scores)
    // Gradients flow again afterwards.
    let images = try BatchLoader(bench.dataset, batch: 4, seed: 0).next().images
    bench.train(on: images, at: 0)
    #expect(bench.values != before)
  }

  @Test func modelsOfDifferentSeedsAreMeasuredOnTheSameNoise() throws {
    let (bench, other) = (try scattered(), try scattered("training.seed=1"))
    for (parameter, value) in zip(other.parameters, bench.parameters) { parameter.assign(value.tensor.detached()) }
    #expect(try Evaluator(other).evaluate(.test).scores == Evaluator(bench).evaluate(.test).scores)
  }

  @Test func theSizeOfItsBatchesDoesNotChangeWhatModesGive() throws {
    func scores(_ batch: Int) throws -> [Score] {
      let result = try Evaluator(try scattered("evaluation.batch=\(batch)")).evaluate(.validation)
      return result.scores.filter { !$0.name.hasSuffix("_kl") && !["nelbo", "log_likelihood"].contains($0.name) }
    }
    let whole = try scores(12)
    #expect(whole.count > 3)
    for batch in [1, 5, 100] {
      let parts = try scores(batch)
      #expect(parts.map(\.name) == whole.map(\.name))
      for (part, all) in zip(parts, whole) {
        expectClose(part.value, all.value, relative: 1e-5, "\(all.name), \(batch)")
      }
    }
  }

  @Test func moreSamplesMoveTheBoundLittle() throws {
    func bound(_ samples: Int) throws -> Double {
      let bench = try scattered("evaluation.elbo_samples=\(samples)")
      return try #require(try Evaluator(bench).evaluate(.validation)["nelbo"])
    }
    let (one, many, more) = (try bound(1), try bound(100), try bound(200))
    #expect(one != many && many != more)
    #expect(abs(more - many) < 0.05 * abs(more))
  }
}

struct RunnerTests {
  private let folder: TemporaryFolder
  private let run: String

  /// A run of 24 steps with checkpoints after 8, 16 and 24.
  init() throws {
    folder = try TemporaryFolder()
    let config = try folder.write(tinyConfig.utf8, to: "tiny.yaml")
    let outcome = try Runner.train(config: config, overrides: [], base: folder.path, name: nil, dataFolder: "/dev/null")
    run = outcome.folder
  }

  private func evaluate(_ split: Split, step: Int? = nil, _ overrides: String...) throws -> (step: Int, scores: [Score])
  {
    let found = try Runner.evaluate(run: run, split: split, step: step, overrides: overrides, dataFolder: "/dev/null")
    return (found.evaluation.step, found.result.scores)
  }

  @Test(arguments: [8, 16, 24]) func aCheckpointScoresWhatTheTrainingScoredThere(_ step: Int) throws {
    let found = try evaluate(.validation, step: step)
    #expect(found.step == step)
    let logged = try metricLines(run).first { $0["split"] == "validation" && $0["step"] == .integer(step) }
    // What was logged in training needs no importance samples.
    #expect(try logged == line(step, found.scores.filter { $0.name != "nll" }))
    let (bound, likelihood) = (found.scores.first { $0.name == "nelbo" }, found.scores.first { $0.name == "nll" })
    #expect(try #require(likelihood).value < #require(bound).value)
    let one = try evaluate(.validation, step: step, "evaluation.iwae_samples=0")
    #expect(!one.scores.contains { $0.name == "nll" })
  }

  private func line(_ step: Int, _ scores: [Score]) throws -> JSON {
    let members = scores.map { JSON.Member($0.name, .number($0.value)) }
    let json = JSON.object([.init("step", .integer(step)), .init("split", "validation")] + members)
    // As it reads after writing: whole numbers may have changed their kind.
    return try JSON(parsing: json.line.utf8)
  }

  @Test func theNewestCheckpointIsTheDefaultAndTheScoresAreWritten() throws {
    let found = try Runner.evaluate(run: run, split: .test, step: nil, overrides: [], dataFolder: "/dev/null")
    #expect(found.evaluation.step == 24 && found.evaluation.isOwn)
    #expect(try RunFolder(opening: run).evaluations.isEmpty, "measuring writes nothing")
    try found.keep()
    let kept = try #require(try RunFolder(opening: run).evaluation("test", after: 24))
    #expect(kept.changes.isEmpty && kept.scores.count == found.result.scores.count)
    for score in found.result.scores { #expect(kept[score.name] == score.value, "\(score.name)") }
  }

  @Test func whatIfNeverTakesThePlaceOfTheRunsOwnResult() throws {
    let folder = try RunFolder(opening: run)
    func keep(_ split: Split, _ step: Int?, _ overrides: String...) throws -> KeptEvaluation {
      let found = try Runner.evaluate(run: run, split: split, step: step, overrides: overrides, dataFolder: "/dev/null")
      try found.keep()
      return found.evaluation
    }
    let own = try keep(.test, nil)
    let others = [
      try keep(.test, nil, "model.likelihood.deviation=0.1"), try keep(.test, nil, "dataset.seed=5"),
      try keep(.test, nil, "evaluation.iwae_samples=3"),
    ]
    _ = try (keep(.validation, nil), keep(.test, 8))
    #expect(others.allSatisfy { !$0.isOwn } && others[1].changes == [.init("dataset.seed", 5)])
    #expect(folder.evaluations.count == 6, "each has a file of its own")
    #expect(folder.evaluation("test", after: 24)?["nelbo"] == own["nelbo"])
    #expect(others[0]["nelbo"] != own["nelbo"])
    let record = RunRecord(reading: run, as: "x")
    #expect(record["test.nelbo"]?.double == own["nelbo"] && record["what_if"] == 3)
    // How long, with how many threads and what is written when does not change what is measured.
    #expect(try keep(.test, nil, "training.steps=99").isOwn)
    #expect(folder.evaluations.count == 6, "the same evaluation is kept once")
    let table = try Runner.evaluations(of: run)
    #expect(table.contains("what if: model.likelihood.deviation=0.1") && table.contains("the run's own"), "\(table)")
  }

  @Test func whatCannotBeKeptIsPrintedAllTheSame() throws {
    // A file where the folder should be made, as on a disk that takes nothing.
    try RunFolder(opening: run).write("", to: "evaluations")
    let outcome = try Program.run(["evaluate", run, "evaluation.iwae_samples=0"], in: folder.path)
    #expect(outcome.status == 1)
    #expect(outcome.output.hasPrefix("step 24\nnelbo "), "\(outcome.output)")
    #expect(outcome.messages.contains("the evaluation is not kept") && outcome.messages.contains(run))
  }

  @Test func whatVersion2LeftIsStillRead() throws {
    let folder = try RunFolder(opening: run)
    try folder.write(#"{"step": 24, "split": "test", "nelbo": -4}"#, to: "evaluation-test-step-24.json")
    #expect(folder.evaluation("test", after: 24)?["nelbo"] == -4)
    #expect(folder.evaluation("test", after: 16) == nil && folder.evaluation("validation", after: 24) == nil)
  }

  @Test func aStepWithoutCheckpointIsRefusedWithThoseThereAre() {
    let words = complaint { _ = try evaluate(.test, step: 12) }
    #expect(words == "\(run): no checkpoint after step 12 (there are: 8, 16, 24)")
  }

  @Test func overridesChangeTheEvaluationAndNotTheRun() throws {
    let one = try evaluate(.test)
    let many = try evaluate(.test, "evaluation.elbo_samples=5")
    #expect(one.scores.first != many.scores.first && one.scores.last == many.scores.last)
    #expect(try Runner.check("\(run)/config.yaml", []).evaluation.elboSamples == 1)
  }

  @Test func runsAreNamedByTheirConfigAndNumberedWhereTheyExist() throws {
    #expect(run.hasPrefix("\(folder.path)/") && run.hasSuffix("/seed-0"))
    let again = try Runner.train(
      config: "\(folder.path)/tiny.yaml", overrides: ["training.steps=1"], base: folder.path, name: nil,
      dataFolder: "/dev/null")
    #expect(again.folder == run + "-2")
    let words = complaint {
      _ = try Runner.train(
        config: "\(folder.path)/tiny.yaml", overrides: [], base: folder.path, name: "seed-0", dataFolder: "/dev/null")
    }
    #expect(words.hasPrefix("\(run): there is already a run here"))
  }
}

struct EmptySplitTests {
  @Test func aSplitWithoutScenesIsNamedBeforeAnythingIsWritten() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/run"
    let bench = try workbench(try tiny("dataset.validation_size=0", "dataset.test_size=0"))
    let words = complaint { _ = try Training(bench, in: try RunFolder(planning: path)) }
    #expect(words.contains("no validation scenes; raise dataset.validation_size"))
    #expect(!FileManager.default.fileExists(atPath: path))
    #expect(complaint { _ = try Evaluator(bench).evaluate(.test) }.contains("no test scenes; raise dataset.test_size"))
  }
}
