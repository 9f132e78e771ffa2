import Datasets
import Evaluation
import Glibc
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

  /// Everything that an evaluation of some model can give: the columns of experiments, and what `evaluation.select_by` can
  /// name where one end is the good one.
  public static let measures =
    [
      Measure("nelbo", better: .lower), Measure("nll", better: .lower, takesLong: true),
      Measure("log_likelihood", better: .higher),
    ] + latentNames.map { Measure("\($0)_kl", better: nil) } + metrics.flatMap { $0.measures } + CodeEvaluation.measures

  private let workbench: Workbench

  public init(_ workbench: Workbench) { self.workbench = workbench }

  /// nELBO from posterior samples (hard, at the schedules' final values), everything else from modes and means.
  /// With `importanceSamples`, also `nll`: -log of the mean of so many importance weights, which
  /// bounds the negative log-likelihood from above, the closer the more there are (Burda, Grosse and Salakhutdinov 2016).
  /// Throws `RunError` for a split without scenes, and what reading the data throws.
  /// Models of codes are also measured by counting above a threshold and, if `dividesScenes`, by how their codes divide
  /// the pixels of the first scenes among them.
  public func evaluate(_ split: Split, importanceSamples: Int = 0, dividesScenes: Bool = false) throws -> Result {
    try workbench.requireScenes(of: split)
    let (model, config) = (workbench.model, workbench.config.evaluation)
    let noise = workbench.evaluationNoise(split: split.rawValue)
    var card = Scorecard()
    var codes = CodeEvaluation(workbench)
    var sums: [(name: String, total: Double)] = []
    var logLikelihood = 0.0
    for batch in try evaluationBatches(workbench.dataset, split, batch: config.batch) {
      let explanation = model.explain(batch.images)
      card.add(batch.scenes, explanation.scenes, reconstructions: explanation.reconstruction)
      codes?.add(batch)
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
      var weights = LogMeanExp(count: batch.count)
      for sample in 0..<importanceSamples {
        let draw = Draw(.sampled, noise: noise.at(batch.number).child("importance \(sample)"), progress: .end)
        weights.add(model.store.frozen { model.infer(batch.images, drawing: draw).logWeight.array() })
      }
      if importanceSamples > 0 { logLikelihood += weights.means.reduce(0, +) }
    }
    if dividesScenes { codes?.divide(split) }
    let images = Double(max(1, card.images))
    let bound = sums.map { Score($0.name, $0.total / images) }
    let likelihood = importanceSamples > 0 ? [Score("nll", -logLikelihood / images)] : []
    return Result(
      scores: bound.filter { $0.name == "nelbo" } + likelihood + bound.filter { $0.name != "nelbo" } + card.scores
        + (try codes?.scores() ?? []),
      counts: card.counts)
  }
}

/// log of the mean of exponentials, number by number, over arrays that come one by one.
private struct LogMeanExp {
  private var largest: [Double]
  private var sums: [Double]
  private var added = 0

  init(count: Int) {
    largest = Array(repeating: -.infinity, count: count)
    sums = Array(repeating: 0, count: count)
  }

  mutating func add(_ values: [Float]) {
    added += 1
    for (index, value) in values.enumerated() {
      let value = Double(value)
      if value > largest[index] {
        sums[index] = sums[index] * exp(largest[index] - value) + 1
        largest[index] = value
      } else {
        sums[index] += exp(value - largest[index])
      }
    }
  }

  var means: [Double] { zip(largest, sums).map { $0 + log($1 / Double(added)) } }
}
