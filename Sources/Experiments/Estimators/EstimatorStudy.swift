import Configuration
import Datasets
import Glibc
import Inference
import Layers
import Models
import Tensors

/// Compares estimators with the same parameters, images and continuous noise. Only the discrete nodes are sampled anew.
///
/// Estimators with a state (a baseline, a running mean, a learned scale) are first trained on other images while the
/// model stays fixed. The run's own estimator uses the state in its checkpoint. VIMCO optimizes a different bound, so
/// its distance from the exact gradient of the other estimators is not an error. See docs/estimators.md.
public struct EstimatorStudy {
  public struct Options: Sendable {
    /// The number of gradient samples per estimator.
    public var batches = 200
    /// The number of steps in which an estimator learns before it is measured.
    public var warmup = 300
    public init() {}
  }

  /// The largest number of outcomes that is enumerated for the exact gradient.
  private static let mostOutcomes = 200

  /// The compared estimators, with settings that suit costs in the hundreds.
  static var contenders: [(name: String, choice: Choice)] {
    var (nvil, vimco, through) = (NVIL.Config(), VIMCO.Config(), GumbelSoftmax.Config())
    nvil.centering = true
    vimco.samples = 5
    through.straightThrough = true
    return [
      ("reinforce", estimators.choice("reinforce")), ("nvil", Choice(name: "nvil", config: nvil)),
      ("vimco", Choice(name: "vimco", config: vimco)), ("gumbel-softmax", estimators.choice("gumbel-softmax")),
      ("straight-through", Choice(name: "gumbel-softmax", config: through)), ("rebar", estimators.choice("rebar")),
      ("marginal", estimators.choice("marginal")), ("enumerate", estimators.choice("enumerate")),
    ]
  }

  /// Measures at the initial parameters of a config, or at the initial parameters and every checkpoint of a run.
  ///
  /// Throws the errors of the config, the run, or the data.
  public static func run(
    _ path: String, keys: [String], _ options: Options, dataFolder: String
  ) throws -> EstimatorComparison {
    let folder = try? RunFolder(opening: path)
    let config = try folder?.config(keys) ?? Runner.check(path, keys)
    let own = try folder?.config() ?? config
    try Threads.use(config.training.threads)
    let checkpoints = try folder?.checkpoints ?? []
    var comparison = EstimatorComparison(
      title: folder?.shortName ?? FolderName.of(file: path), batches: options.batches)
    for checkpoint in [nil] + checkpoints.map(Optional.some) {
      let workbench = try Workbench(config, dataFolder: dataFolder)
      if let checkpoint { _ = try Runner.restore(.parametersAndEstimator, of: checkpoint, into: workbench, own) }
      writeToStandardError("measuring at step \(checkpoint?.step ?? 0)\n")
      comparison.rows += try EstimatorStudy(workbench, at: checkpoint?.step ?? 0, options).rows()
    }
    return comparison
  }

  private let workbench: Workbench
  private let step: Int
  private let options: Options
  private let parameters: [Parameter]
  private let images: Tensor
  private let noise: EstimatorNoise

  init(_ workbench: Workbench, at step: Int, _ options: Options) throws {
    (self.workbench, self.step, self.options) = (workbench, step, options)
    parameters = workbench.model.store.parameters
    images = try workbench.batches(from: step).next().images
    noise = workbench.noise(at: step)
  }

  func rows() throws -> [EstimatorComparison.Row] {
    let config = workbench.config
    let shape = workbench.model.contextShape
    let context = EstimatorContext(shape: shape, random: RandomStream(seed: config.training.seed).child("estimators"))
    var exactConfig = Enumeration.Config()
    exactConfig.limit = Self.mostOutcomes
    let isExact = exactConfig.obstacle(steps: shape.steps, nodes: shape.discreteNodes) == nil
    let exact = isExact ? gradient(try Enumeration(exactConfig, context), discrete: nil) : nil
    var rows: [EstimatorComparison.Row] = []
    for (name, choice) in Self.contenders where choice.name != "enumerate" || isExact {
      // The config's own estimator represents its kind, with its learned state.
      let isOwn = name == config.estimator.name && name != "enumerate"
      let choice = name == "enumerate" ? Choice(name: name, config: exactConfig) : isOwn ? config.estimator : choice
      let isTrained = isOwn && step > 0
      let estimator = isTrained ? workbench.estimator : try estimators.make(choice, context)
      if !isTrained { try warmUp(estimator) }
      rows += measure(name, estimator, exact)
    }
    return rows
  }

  /// Trains the estimator's own parameters and statistics on the following batches.
  private func warmUp(_ estimator: any Estimator) throws {
    guard !estimator.statistics.isEmpty || !estimator.store.parameters.isEmpty else { return }
    let training = workbench.config.training
    let own = estimator.store.parameters
    let optimizer =
      own.isEmpty
      ? nil : try optimizers.make(training.optimizer, OptimizerContext(parameters: own, rate: estimator.rate))
    let batches = try workbench.batches(from: step + 1)
    for number in 1...max(1, options.warmup) {
      let estimate = estimator.estimate(
        workbench.regularized, batches.next().images, at: step, noise: workbench.noise(at: step + number))
      guard let optimizer else { continue }
      // A learned scale also needs the model's gradients.
      let slopes = estimate.gradients(for: parameters + own).suffix(own.count)
      optimizer.update(Array(slopes), scales: slopes.map { _ in 1 }, at: step)
    }
  }

  /// A gradient with respect to parameters and logits.
  private struct Gradient {
    let tensors: [Tensor]
    let parts: [GradientMoments.Part]
    let passes: Double
    let seconds: Double
  }

  private func gradient(_ estimator: any Estimator, discrete: RandomStream?) -> Gradient {
    let probe = LogitProbe()
    let model = CountingModel(workbench.regularized, batch: images.shape[0])
    let start = monotonicSeconds()
    let estimate = estimator.estimate(
      model, images, at: step, noise: EstimatorNoise(noise.stream, discrete: discrete, probe: probe))
    let leaves = probe.leaves.sorted { ($0.step, $0.node) < ($1.step, $1.node) }
    let tensors = estimate.gradients(for: parameters + leaves.map(\.leaf))
    let seconds = monotonicSeconds() - start
    let modules = parameters.map { String($0.name.prefix { $0 != "." }) }
    var parts = [GradientMoments.Part(name: "all", members: Array(parameters.indices))]
    for module in modules where !parts.contains(where: { $0.name == module }) {
      parts.append(.init(name: module, members: modules.indices.filter { modules[$0] == module }))
    }
    for (index, leaf) in leaves.enumerated() {
      parts.append(.init(name: "\(leaf.node)/\(leaf.step)", members: [parameters.count + index]))
    }
    return Gradient(tensors: tensors, parts: parts, passes: model.passes, seconds: seconds)
  }

  private func measure(_ name: String, _ estimator: any Estimator, _ exact: Gradient?) -> [EstimatorComparison.Row] {
    let random = noise.stream.child("other discrete samples")
    var samples = Samples()
    var moments: GradientMoments?
    var passes = 0.0
    for number in 0..<max(2, options.batches) {
      let draw = gradient(estimator, discrete: random.at(number))
      var gathered =
        moments
        ?? GradientMoments(draw.parts, reference: (exact ?? draw).tensors, isExact: exact != nil)
      gathered.add(draw.tensors)
      moments = gathered
      passes = draw.passes
      samples.add(draw.seconds)
    }
    guard let moments else { return [] }
    return moments.parts.indices.map { index in
      EstimatorComparison.Row(
        step: step, estimator: name, part: moments.parts[index].name, summary: moments.summary(of: index),
        milliseconds: 1000 * samples.median, passes: passes)
    }
  }
}

/// A model that counts its passes, in units of batches of a given size.
private final class CountingModel: InferenceModel {
  private let model: any InferenceModel
  private let batch: Int
  private(set) var passes = 0.0

  init(_ model: any InferenceModel, batch: Int) { (self.model, self.batch) = (model, batch) }

  var contextShape: ContextShape { model.contextShape }
  var store: ParameterStore { model.store }

  func infer(_ images: Tensor, drawing draw: Draw) -> Pass {
    passes += Double(images.shape[0]) / Double(batch)
    return model.infer(images, drawing: draw)
  }
}
