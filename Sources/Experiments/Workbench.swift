import Configuration
import Datasets
import Inference
import Layers
import Models
import Scenes
import Tensors

/// The parts that a config describes: dataset, model, estimator and optimizers.
public struct Workbench {
  /// The config, with the values that the dataset's files decided.
  public let config: RunConfig
  /// The keys that the files decided, with the values in the original config. For example, a height of 0 means that of
  /// the first image.
  let asked: [JSON.Member]
  public let dataset: any Dataset
  public let model: any SceneModel
  /// The model with the regularizers, as it is trained.
  let regularized: RegularizedModel
  public let estimator: any Estimator
  let modelOptimizer: any Optimizer
  let estimatorOptimizer: (any Optimizer)?
  let clipping: Clipping
  private let random: RandomStream

  /// Builds everything that a config names. If a split is given, a background thread reads its data in the meantime.
  ///
  /// Throws an error if the config or the data cannot be used.
  public init(_ config: RunConfig, dataFolder: String, preparing split: Split? = nil) throws {
    let dataset = try datasets.make(config.dataset, DatasetContext(dataFolder: dataFolder))
    if let split {
      // A later request for the split waits for this thread or gets the same error. Without a thread, the data is read
      // at that time.
      try? SystemThread.start { try? dataset.prepare(split) }
    }
    try self.init(config, dataset)
  }

  /// Builds everything except the dataset, whose files are not needed if the config determines the shape of its scenes.
  ///
  /// Otherwise, as for the user's images before a run has determined their shape, the dataset is made.
  public init(withoutScenes config: RunConfig, dataFolder: String) throws {
    guard let dataset = NoScenes(insteadOf: config.dataset) else {
      try self.init(config, dataFolder: dataFolder)
      return
    }
    try self.init(config, dataset)
  }

  private init(_ config: RunConfig, _ dataset: any Dataset) throws {
    var settled = config
    if let section = dataset.settled { settled.dataset.config = section }
    self.config = settled
    asked = settled.differences(from: config).map { JSON.Member($0.key, $0.other ?? .null) }
    self.dataset = dataset
    random = RandomStream(seed: config.training.seed)
    model = try models.make(
      config.model,
      ModelContext(
        channels: dataset.channels, height: dataset.height, width: dataset.width,
        random: random.child("initialization")))
    let model = model
    regularized = RegularizedModel(model, try config.regularizers.map { try regularizers.make($0, model) })
    estimator = try estimators.make(
      config.estimator,
      EstimatorContext(shape: model.contextShape, random: random.child("estimator initialization")))
    modelOptimizer = try optimizers.make(
      config.training.optimizer, OptimizerContext(parameters: model.store.parameters))
    estimatorOptimizer =
      estimator.store.parameters.isEmpty
      ? nil
      : try optimizers.make(
        config.training.optimizer,
        OptimizerContext(parameters: estimator.store.parameters, rate: estimator.rate))
    clipping = Clipping(
      globalNorm: config.training.clipNorm, parameterNorm: config.training.clipParameterNorm)
  }

  /// All trained parameters: the model's, then the estimator's.
  public var parameters: [Parameter] { model.store.parameters + estimator.store.parameters }

  /// An endless sequence of training batches that begins with the batch of step `start`. Throws the errors of the data.
  func batches(from start: Int) throws -> BatchLoader {
    do {
      return try BatchLoader(
        dataset, batch: config.training.batch, seed: config.training.seed, shift: config.training.shift,
        startingAt: start)
    } catch let error as DatasetError {
      guard case .batchTooLarge = error, let remedy = moreScenes(of: .train) else { throw error }
      throw RunError("\(error) or \(remedy)")
    }
  }

  /// Throws `RunError` if the dataset has no scenes in a split.
  func requireScenes(of split: Split) throws {
    guard dataset.size(of: split) == 0 else { return }
    let remedy = moreScenes(of: split).map { "; \($0)" } ?? ""
    throw RunError("dataset \(dataset.name) has no \(split.rawValue) scenes\(remedy)")
  }

  /// Advice for getting more scenes in a split, with the dataset's keys: `raise dataset.counts`.
  private func moreScenes(of split: Split) -> String? {
    func keys<Section: Configurable>(_ section: Section) -> [String] { Section.fields.map(\.key) }
    let known = keys(config.dataset.config)
    let name = split.rawValue
    let wanted = split == .train ? ["counts", "samples"] : ["\(name)_size", "\(name)_share"]
    if let key = wanted.first(where: known.contains) { return "raise dataset.\(key)" }
    let shares = ["validation_share", "test_share"].filter(known.contains).map { "dataset.\($0)" }
    return split == .train && !shares.isEmpty ? "add images, or lower \(shares.joined(separator: " and "))" : nil
  }

  /// The noise of a training step, which only depends on the seed and the step.
  func noise(at step: Int, record: NoiseRecord? = nil) -> EstimatorNoise {
    EstimatorNoise(random.child("noise").child("step").at(step), record: record)
  }

  /// The noise of an evaluation. It is the same at every step, so that the points of a curve are comparable.
  func evaluationNoise(split: String) -> RandomStream { RandomStream(seed: 0).child("evaluation").child(split) }

  /// Everything that a checkpoint must hold, by name.
  var state: [(name: String, tensor: Parameter)] {
    parameters.map { ("parameters/\($0.name)", $0) }
      + modelOptimizer.state.map { ("optimizer/\($0.name)", $0) }
      + (estimatorOptimizer?.state ?? []).map { ("optimizer/\($0.name)", $0) }
      + estimator.statistics.map { ("estimator/\($0.name)", $0) }
  }

  /// Updates all parameters. Returns the norm of the model's gradients before clipping. If it is not finite, nothing
  /// changes.
  func update(with gradients: [Tensor], at step: Int) -> Double {
    Profile.measure(.optimizer) { apply(gradients, at: step) }
  }

  private func apply(_ gradients: [Tensor], at step: Int) -> Double {
    let count = model.store.parameters.count
    let own = Array(gradients[..<count])
    let (norm, scales) = clipping.scales(for: own)
    guard norm.isFinite else { return norm }
    modelOptimizer.update(own, scales: scales, at: step)
    if let estimatorOptimizer {
      let rest = Array(gradients[count...])
      estimatorOptimizer.update(rest, scales: rest.map { _ in 1 }, at: step)
    }
    return norm
  }
}
