import Glibc
import Inference
import Layers
import Scenes
import Tensors

/// Attend, Infer, Repeat and its family: one recurrent pass that explains a scene object by object.
///
/// Eslami et al. 2016; Kosiorek 2017, eq. (1) to (10). Every step is computed, and steps after the last object are
/// masked. What is fed forward is computed as if all earlier presences were 1. Therefore presences are independent
/// trials given the image, the continuous noise and earlier categories, and one pass gives q(n) for every count n.
public final class RecurrentSceneModel: SceneModel {
  public let store = ParameterStore()
  private let config: Config
  let context: ModelContext
  private let controller: Controller
  private let pose: PosePosterior
  private let refinement: WindowRefinement?
  let transformer: SpatialTransformer
  let appearance: any Appearance
  private let prior: any ScenePrior
  private let likelihood: any Likelihood
  private let background: any Background

  public init(_ config: Config, _ context: ModelContext) throws {
    self.config = config
    self.context = context
    let scope = Scope(store, random: context.random)
    let pixels = context.channels * context.height * context.width
    transformer = SpatialTransformer(config.window)
    appearance = try appearances.make(
      config.appearance,
      AppearanceContext(channels: context.channels, side: config.glimpse, scope: scope.child("appearance")))
    controller = Controller(
      config.controller, pixels: pixels,
      fed: [("window", transformer.size), ("appearance", appearance.fedSize)], in: scope.child("controller"))
    pose = PosePosterior(config, transformer, in: scope.child("head"))
    refinement =
      config.window.refinement.isEmpty
      ? nil
      : WindowRefinement(
        config, transformer, pixels: context.channels * config.glimpse * config.glimpse, in: scope.child("refinement"))
    prior = try scenePriors.make(
      config.prior, ScenePriorContext(steps: config.steps, transformer: transformer, scope: scope.child("prior")))
    likelihood = try likelihoods.make(config.likelihood, ())
    background = try backgrounds.make(
      config.background,
      BackgroundContext(hidden: config.controller.hidden, pixels: pixels, scope: scope.child("background")))
  }

  public var contextShape: ContextShape {
    ContextShape(
      steps: config.steps, pixels: context.channels * context.height * context.width, fed: controller.fedSize,
      discreteNodes: config.discreteNodes)
  }

  private var hasPresence: Bool { config.presence == .inferred }

  public func infer(_ images: Tensor, drawing draw: Draw) -> Pass { run(images, draw).pass }

  public func constants(at progress: Progress) -> [(name: String, value: Tensor)] { prior.constants(at: progress) }

  /// Runs a pass and returns it together with its canvas.
  func run(_ images: Tensor, _ draw: Draw) -> (pass: Pass, canvas: Canvas) {
    let batch = images.shape[0]
    var course = prior.course(batch: batch, at: draw.progress)
    var state = controller.start(batch: batch, copies: draw.copies)
    var canvas = Canvas(keepsSum: controller.needsCanvas)
    var terms: [Term] = []
    var contexts: [StepContext] = []
    var alive = Tensor.ones([batch])
    var before: Tensor?
    for step in 0..<config.steps {
      let advance = controller.advance(&state, images, canvas)
      let posterior = pose(advance.features)
      let expectation = course.next(after: before)
      let presence =
        hasPresence
        ? draw.bernoulli("presence", step: step, logits: posterior.presence, priorLogOdds: expectation.presence) : nil
      let present = presence?.sample ?? draw.certain(step: step, batch: batch)
      let source = controller.glimpseSource(images, canvas.sum)
      var expected = posterior.window
      if let refinement {
        let seen = transformer.window(expected.mean(transformer))
        expected = refinement(expected, source.read(seen, side: config.glimpse))
      }
      let place = draw.normal(
        "window", step: step, mean: expected.mean(transformer), deviation: expected.deviation(transformer),
        prior: expectation.window)
      before = place.sample
      let window = transformer.window(place.sample)
      let object = appearance.explain(source.read(window, side: config.glimpse), drawing: draw, step: step)

      if let presence { terms.append(Term("presence", step: step, mask: alive, .bernoulli(presence))) }
      alive = alive * present
      terms.append(Term("window", step: step, mask: alive, .normal(place)))
      for part in object.latents { terms.append(Term(part.node, step: step, mask: alive, part.latent)) }
      contexts.append(advance.context)
      canvas.add(
        object.patch.written(window, height: context.height, width: context.width), window, gate: alive,
        probability: present, category: object.category)
      controller.feed([place.sample, object.fed], to: &state)
    }
    canvas.background = background.draw(state.hidden, like: images)
    let logLikelihood =
      draw.isMarginal && hasPresence
      ? canvas.expectedLogLikelihood(of: images, likelihood, at: draw.progress)
      : likelihood.logProbability(of: images, given: canvas.composed(like: images), at: draw.progress)
    let pass = Pass(terms: terms, logLikelihood: logLikelihood, count: canvas.count(batch), contexts: contexts)
    return (pass, canvas)
  }

  public func explain(_ images: Tensor) -> SceneExplanation {
    explained(images, Draw(.mode, noise: RandomStream(seed: 0), progress: .end))
  }

  /// Draws scenes from the priors: runs the pass on black images and replaces every latent by a sample of its prior.
  ///
  /// A background has no prior. It is decoded from the controller's last state, computed from a black image and these
  /// latents.
  public func generate(_ count: Int, objects: Int?, random: RandomStream) -> SceneExplanation {
    explained(
      .zeros([count, context.channels, context.height, context.width]),
      Draw(.prior(objects: objects), noise: random, progress: .end))
  }

  private func explained(_ images: Tensor, _ draw: Draw) -> SceneExplanation {
    store.frozen {
      let (pass, canvas) = run(images, draw)
      return SceneExplanation(
        scenes: canvas.explanations(batch: images.shape[0], height: context.height, width: context.width),
        reconstruction: canvas.composed(like: images), latents: pass.latents)
    }
  }
}

/// A normal posterior over window latents in units of their prior, before the deviation's softplus: both [batch, size].
struct WindowPosterior {
  let location, spread: Tensor

  /// The mean of the window latents. Before training it is the prior's mean.
  func mean(_ transformer: SpatialTransformer) -> Tensor {
    location * transformer.priorDeviation + transformer.priorMean
  }

  func deviation(_ transformer: SpatialTransformer) -> Tensor { spread.softplus() * transformer.priorDeviation }
}

/// The posterior over presence and window at a step, from the controller's features.
struct PosePosterior {
  /// The presence logit [batch], and the posterior of the window.
  struct Parameters { let presence: Tensor, window: WindowPosterior }

  private let head: MLP
  private let size: Int
  private let presenceBias: Float
  private let deviationBias: Float

  init(_ config: RecurrentSceneModel.Config, _ transformer: SpatialTransformer, in scope: Scope) {
    size = transformer.size
    head = MLP(
      inputs: config.controller.hidden, hidden: config.head, outputs: 1 + 2 * size, outputBias: .zeros, in: scope)
    presenceBias = Float(config.controller.presenceBias)
    deviationBias = inverseSoftplus(Float(config.window.initialDeviation))
  }

  func callAsFunction(_ features: Tensor) -> Parameters {
    let raw = head(features)
    return Parameters(
      presence: raw.columns(0..<1).reshaped([raw.shape[0]]).scaled(by: 1, plus: presenceBias),
      window: WindowPosterior(
        location: raw.columns(1..<1 + size),
        spread: raw.columns(1 + size..<1 + 2 * size).scaled(by: 1, plus: deviationBias)))
  }
}

/// Corrects the window that the controller infers, using the glimpse at that window.
///
/// This is not in the papers, whose controllers infer the whole window at once (Wang et al. 2019, section 3.3). The
/// rotation of an object and the offset of its window depend on a few pixels, and a dense controller would have to
/// learn them separately for every position. The posterior stays normal because the glimpse is read at the mean of the
/// controller's window, not at a sample.
struct WindowRefinement {
  private let layers: MLP
  private let size: Int

  /// `pixels` is the number of values in a glimpse.
  init(_ config: RecurrentSceneModel.Config, _ transformer: SpatialTransformer, pixels: Int, in scope: Scope) {
    size = transformer.size
    layers = MLP(inputs: pixels, hidden: config.window.refinement, outputs: 2 * size, outputBias: .zeros, in: scope)
  }

  /// Corrects a window using glimpses [batch, channel, side, side] read at its mean.
  func callAsFunction(_ window: WindowPosterior, _ glimpses: Tensor) -> WindowPosterior {
    let change = layers(glimpses.flattened())
    return WindowPosterior(
      location: window.location + change.columns(0..<size), spread: window.spread + change.columns(size..<2 * size))
  }
}

/// Returns x such that log(1 + e^x) = value.
private func inverseSoftplus(_ value: Float) -> Float { Float(log(expm1(Double(value)))) }
