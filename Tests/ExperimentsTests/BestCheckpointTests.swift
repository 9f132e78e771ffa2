import Configuration
import Evaluation
import Foundation
import Testing

@testable import Experiments

struct BestCheckpointTests {
  private func result(_ values: [String: Double]) -> Evaluator.Result {
    Evaluator.Result(scores: values.map { Score($0.key, $0.value) }, counts: nil)
  }

  /// Which of these values, one evaluation each, are better than all before.
  private func improvements(_ metric: String, _ values: [Double?]) -> [Int] {
    var best = BestCheckpoint(by: metric, state: nil)
    return values.indices.filter { index in
      best.improves(with: result(values[index].map { [metric: $0] } ?? [:]), after: index)
    }
  }

  @Test func theBoundShouldFallAndAccuracyRise() {
    #expect(improvements("nelbo", [5, 6, 4, 4, 3]) == [0, 2, 4])
    #expect(improvements("count_accuracy", [0.5, 0.4, 0.6, 0.6, 0.9]) == [0, 2, 4])
  }

  @Test func valuesThatAreMissingOrNotFiniteDoNotCount() {
    #expect(improvements("miou", [nil, .nan, 0.2, .infinity, nil, 0.3]) == [2, 5])
  }

  @Test func whatItKnowsOutlivesTheProcess() throws {
    var best = BestCheckpoint(by: "nelbo", state: nil)
    let isFirst = best.improves(with: result(["nelbo": 0.1 + 0.2]), after: 7)
    var again = BestCheckpoint(by: "nelbo", state: try JSON(parsing: Array(best.json.line.utf8)))
    #expect(again.step == 7 && again.json == best.json)
    let isSecond = again.improves(with: result(["nelbo": 0.1 + 0.2]), after: 8)
    #expect(isFirst && !isSecond)
    // What another metric found best says nothing.
    #expect(BestCheckpoint(by: "miou", state: best.json).step == nil)
  }

  @Test func anUnknownMetricIsAnsweredWithThoseThereAre() {
    let words = complaint { _ = try tiny("evaluation.select_by=accuracy") }
    #expect(
      words.contains("'evaluation.select_by' is 'accuracy'; the metrics are nelbo, log_likelihood, squared_error"))
  }

  @Test func theBestIsChosenByAnythingThatTrainingsMeasureAndThatHasAGoodEnd() throws {
    for measure in Evaluator.measures {
      let words = complaint { _ = try tiny("evaluation.select_by=\(measure.name)") }
      switch (measure.better, measure.takesLong) {
      case (nil, _): #expect(words.contains("'\(measure.name)', which has no better direction"), "\(words)")
      case (_, true): #expect(words.contains("'\(measure.name)', which trainings do not measure"), "\(words)")
      default: #expect(words.isEmpty, "\(measure.name): \(words)")
      }
    }
    for name in ["foreground_ari", "nll"] { #expect(Evaluator.measures.contains { $0.name == name && $0.takesLong }) }
  }

  /// The best of evaluations every 4 steps stays beside the last that was due and the newest.
  @Test func theBestCheckpointStays() throws {
    let folder = try TemporaryFolder()
    let config = try tiny(
      "training.steps=40", "training.evaluate_every=4", "training.checkpoint_every=10", "training.keep_checkpoints=1",
      "evaluation.select_by=squared_error", "training.optimizer.rate=0.05")
    let run = try RunFolder(planning: folder.path + "/run")
    try Training(try workbench(config), in: run).run()
    let evaluations = try metricLines(run.path).filter { $0["split"] != nil }
    let errors = evaluations.compactMap { $0["squared_error"]?.double }
    let lowest = try #require(errors.min())
    let step = try #require(evaluations.first { $0["squared_error"]?.double == lowest }?["step"]?.double)
    #expect(try Set(run.checkpoints.map(\.step)) == [Int(step), 40])
    let best = try #require(run.json("summary.json")?["best"])
    #expect(best["step"]?.double == step && best["value"]?.double == lowest && best["metric"] == "squared_error")
    // So that the claim is about a choice.
    #expect(step < 40)
  }
}
