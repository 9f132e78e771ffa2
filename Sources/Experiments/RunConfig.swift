import Configuration
import Datasets
import Evaluation
import Inference
import Layers
import Models

/// The contents of a config file, which fully describe a run.
public struct RunConfig: Configurable {
  public var model = models.choice("air")
  public var regularizers: [Choice] = []
  public var dataset = datasets.choice("multi-mnist")
  public var estimator = estimators.choice("nvil")
  public var training = TrainingConfig()
  public var evaluation = EvaluationConfig()

  public init() {}

  public static let fields: [Field<RunConfig>] = [
    .variant("model", \.model, in: models, "the model"),
    .variants(
      "regularizers", \.regularizers, in: Models.regularizers,
      "terms that are added to the loss and are not part of the bound"),
    .variant("dataset", \.dataset, in: datasets, "where scenes come from"),
    .variant("estimator", \.estimator, in: estimators, "how gradients pass through discrete choices"),
    .section("training", \.training, "steps, rates, and what is written when"),
    .section("evaluation", \.evaluation, "how a model is measured"),
  ]

  public func problems() -> [Problem] {
    let names = regularizers.map(\.name)
    let twice = Set(names.filter { name in names.filter { $0 == name }.count > 1 }).sorted()
    let nodes = model.config as? any DiscreteModelConfig
    let unsuited = (estimator.config as? any EstimatorConfig)?.obstacle(
      steps: nodes?.steps ?? 0, nodes: nodes?.discreteNodes ?? [])
    return twice.map { Problem(key: "regularizers", "names '\($0)' twice; give it the weight of both") }
      + regularizers.compactMap { regularizer in
        (regularizer.config as? any RegularizerConfig)?.obstacle(in: model).map { Problem(key: "regularizers", $0) }
      } + (unsuited.map { [Problem(key: "estimator", $0)] } ?? []) + (misfit.map { [$0] } ?? [])
  }

  /// The problem with a model that cannot process images of the dataset's size; nil if it can or the size is unknown.
  private var misfit: Problem? {
    guard let model = model.config as? any ImageModelConfig,
      let shape = (dataset.config as? any SceneShaped)?.sceneShape
    else { return nil }
    return model.obstacle(height: shape.height, width: shape.width).map {
      Problem(key: "model", "does not suit the images of the dataset: \($0)")
    }
  }
}

/// The keys of `training`.
public struct TrainingConfig: Configurable {
  public var steps = 25_000
  public var batch = 64
  public var seed = 0
  public var threads = 2
  public var shift = 0
  public var optimizer = optimizers.choice("adam")
  public var clipNorm = 0.0
  public var clipParameterNorm = 0.0
  public var logEvery = 100
  public var evaluateEvery = 1000
  public var checkpointEvery = 1000
  public var pictureEvery = 5000
  public var keepCheckpoints = 3

  public init() {}

  /// An upper limit for the number of training steps.
  static let mostSteps = 1_000_000_000
  /// The step counts that a training can have reached.
  static let reachableSteps = 0...mostSteps

  public static let fields: [Field<TrainingConfig>] = [
    .integer("steps", \.steps, in: 1...mostSteps, "training steps"),
    .integer("batch", \.batch, in: 1...65536, "images a step"),
    .integer("seed", \.seed, in: 0...(1 << 53), "seed of initial values, noise and the order of scenes"),
    .integer("threads", \.threads, in: 1...256, "threads of matrix products"),
    .integer(
      "shift", \.shift, in: 0...4096,
      "pixels by which each image is moved at most, as a whole and anew each time, so far as no ink leaves it"),
    .variant("optimizer", \.optimizer, in: optimizers, "how parameters follow their gradients"),
    .number("clip_norm", \.clipNorm, in: 0...1e9, "largest norm of all the model's gradients together; 0: no limit"),
    .number(
      "clip_parameter_norm", \.clipParameterNorm, in: 0...1e9, "largest norm of each parameter's gradient; 0: no limit"),
    .integer("log_every", \.logEvery, in: 1...1_000_000_000, "steps between lines of metrics.jsonl"),
    .integer(
      "evaluate_every", \.evaluateEvery, in: 0...1_000_000_000,
      "steps between evaluations on validation scenes; 0: never"),
    .integer(
      "checkpoint_every", \.checkpointEvery, in: 0...1_000_000_000, "steps between checkpoints; 0: only the last"),
    .integer("picture_every", \.pictureEvery, in: 0...1_000_000_000, "steps between pictures; 0: only the last"),
    .integer("keep_checkpoints", \.keepCheckpoints, in: 1...100_000, "how many of the newest checkpoints stay"),
  ]
}

/// The keys of `evaluation`.
public struct EvaluationConfig: Configurable {
  public var elboSamples = 1
  public var iwaeSamples = 100
  public var batch = 100
  public var selectBy = "nelbo"

  public init() {}

  public static let fields: [Field<EvaluationConfig>] = [
    .integer("elbo_samples", \.elboSamples, in: 1...10_000, "posterior samples an image for the bound"),
    .integer(
      "iwae_samples", \.iwaeSamples, in: 0...1_000_000,
      "importance samples an image for `nll`, which `evaluate` and sweeps measure; 0: not at all"),
    .integer("batch", \.batch, in: 1...65536, "images evaluated at a time"),
    .text("select_by", \.selectBy, "the validation metric by which the best checkpoint is kept"),
  ]

  public func problems() -> [Problem] {
    let known = Evaluator.measures.first { $0.name == selectBy }
    let reason =
      if let known, known.better == nil {
        ", which has no better direction"
      } else if let known, known.takesLong {
        ", which trainings do not measure on validation scenes, because it takes long"
      } else if known == nil {
        ""
      } else {
        nil as String?
      }
    guard let reason else { return [] }
    let names = Evaluator.measures.filter { $0.better != nil && !$0.takesLong }.map(\.name)
    return [Problem(key: "select_by", "is '\(selectBy)'\(reason); the metrics are \(names.joined(separator: ", "))")]
  }
}
