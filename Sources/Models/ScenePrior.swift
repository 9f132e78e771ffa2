import Configuration
import Glibc
import Inference
import Layers
import Tensors

/// A model's prior over the objects of a scene.
///
/// To add a prior, write a file with its type and config, and add an entry to `scenePriors`.
protocol ScenePrior {
  /// Returns the prior of a batch of scenes, to be evaluated object by object.
  func course(batch: Int, at progress: Progress) -> any ScenePriorCourse
  /// The constants that the prior uses in addition to parameters, by name (for `export-step`).
  func constants(at progress: Progress) -> [(name: String, value: Tensor)]
}

/// The state of a prior while it goes through the steps.
protocol ScenePriorCourse {
  /// Returns the prior of the next object, given the window latents [batch, size] of the previous one; nil for the
  /// first.
  mutating func next(after window: Tensor?) -> ObjectPrior
}

/// The prior of one object.
struct ObjectPrior {
  /// The log-odds of presence, given that all earlier objects are present: [batch], or a scalar.
  let presence: Tensor
  let window: NormalPrior
}

/// The model's properties with which a prior is created.
struct ScenePriorContext {
  let steps: Int
  let transformer: SpatialTransformer
  let scope: Scope
}

/// All priors, one entry each.
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

/// Independent objects: one fixed prior for all windows, and a fixed prior on the count.  Eslami et al. 2016.
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
