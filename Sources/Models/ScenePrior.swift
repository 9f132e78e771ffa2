import Configuration
import Glibc
import Inference
import Layers
import Tensors

/// What a model expects of a scene before it sees it. One is a file with its type and config, and a line in `scenePriors`.
protocol ScenePrior {
  /// What is expected of a batch of scenes, object by object.
  func course(batch: Int, at progress: Progress) -> any ScenePriorCourse
  /// Numbers that it brings along beside parameters, by name (for `export-step`).
  func constants(at progress: Progress) -> [(name: String, value: Tensor)]
}

/// A prior on its way through the steps.
protocol ScenePriorCourse {
  /// What is expected of the next object, given the window latents [batch, size] of the one before; nil before the first.
  mutating func next(after window: Tensor?) -> ObjectPrior
}

/// What is expected of one object.
struct ObjectPrior {
  /// Log-odds that it is there, given that all before it are: [batch], or a scalar.
  let presence: Tensor
  let window: NormalPrior
}

/// What a prior is made for.
struct ScenePriorContext {
  let steps: Int
  let transformer: SpatialTransformer
  let scope: Scope
}

/// All priors, one line each.
let scenePriors = Registry<ScenePriorContext, any ScenePrior>(
  "prior",
  [
    .entry("independent", "objects do not depend on each other", defaults: IndependentPrior.Config()) {
      try IndependentPrior($0, $1)
    },
    .entry("recurrent", "learned, each window given those before it (AIR-pPrior)", defaults: RecurrentPrior.Config()) {
      RecurrentPrior($0, $1)
    },
  ])

/// Windows from one fixed prior, and a fixed prior on their number.  Eslami et al. 2016.
struct IndependentPrior: ScenePrior {
  struct Config: Configurable {
    var count = countPriors.choice("truncated_geometric")
    static let fields: [Field<Config>] = [
      .variant("count", \.count, in: countPriors, "prior on the number of objects")
    ]
  }

  private let count: any CountPrior
  private let context: ScenePriorContext

  init(_ config: Config, _ context: ScenePriorContext) throws {
    count = try countPriors.make(config.count, ())
    self.context = context
  }

  func constants(at progress: Progress) -> [(name: String, value: Tensor)] {
    let logOdds = count.logOdds(steps: context.steps, at: progress)
    return [("presence_prior_log_odds", Tensor(shape: [context.steps], logOdds.map(Float.init)))]
  }

  func course(batch: Int, at progress: Progress) -> any ScenePriorCourse {
    Course(
      logOdds: count.logOdds(steps: context.steps, at: progress),
      window: NormalPrior(context.transformer.priorMean, context.transformer.priorDeviation))
  }

  private struct Course: ScenePriorCourse {
    let logOdds: [Double]
    let window: NormalPrior
    var step = 0

    mutating func next(after _: Tensor?) -> ObjectPrior {
      defer { step += 1 }
      return ObjectPrior(presence: Tensor(Float(logOdds[step])), window: window)
    }
  }
}
