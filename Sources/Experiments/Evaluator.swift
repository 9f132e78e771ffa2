import Datasets
import Evaluation
import Inference
import Models
import Scenes
import Tensors

/// Measures a model on a whole split.
public struct Evaluator {
  /// What an evaluation found.
  public struct Result {
    /// Named values, the bound first.
    public let scores: [Score]
    /// True counts against found ones.
    public let counts: CountTable?

    /// One line a true count: how often 0, 1, 2, ... objects were found.
    public var countLines: [String] {
      (counts?.rows ?? []).enumerated().map { truth, found in
        "counts_true_\(truth) " + found.map(String.init).joined(separator: " ")
      }
    }

    public subscript(_ name: String) -> Double? { scores.first { $0.name == name }?.value }
  }

  private let workbench: Workbench

  public init(_ workbench: Workbench) { self.workbench = workbench }

  /// nELBO from posterior samples (hard, at the schedules' final values), everything else from modes and means
  /// (models.md section 7). Throws `RunError` for a split without scenes, and what reading the data throws.
  public func evaluate(_ split: Split) throws -> Result {
    try workbench.requireScenes(of: split)
    let (model, config) = (workbench.model, workbench.config.evaluation)
    let noise = workbench.evaluationNoise(split: split.rawValue)
    var card = Scorecard()
    var sums: [(name: String, total: Double)] = []
    for batch in try evaluationBatches(workbench.dataset, split, batch: config.batch) {
      let explanation = model.explain(batch.images)
      card.add(batch.scenes, explanation.scenes, reconstructions: explanation.reconstruction)
      for sample in 0..<config.elboSamples {
        let draw = Draw(.sampled, noise: noise.at(batch.number).child("\(sample)"), progress: .end)
        let pass = model.store.frozen { model.infer(batch.images, drawing: draw) }
        for (name, value) in pass.reported where name != "count" {
          let total = Double(value.sum().scalar) / Double(config.elboSamples)
          if let index = sums.firstIndex(where: { $0.name == name }) {
            sums[index].total += total
          } else {
            sums.append((name, total))
          }
        }
      }
    }
    let images = Double(max(1, card.images))
    let bound = sums.map { Score($0.name, $0.total / images) }
    return Result(
      scores: bound.filter { $0.name == "nelbo" } + bound.filter { $0.name != "nelbo" } + card.scores,
      counts: card.counts)
  }
}
