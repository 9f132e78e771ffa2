import Glibc
import Inference
import Layers
import Scenes
import Tensors

/// Attend, Infer, Repeat and its family: one recurrent pass that explains a scene object by object.
///
/// Eslami et al. 2016; air-notes eq. (1)-(10). Every step is computed; steps after the last object are masked. What is fed
/// forward is computed as if all earlier presences were 1, so presences are independent trials given the image and the
/// noise, and one pass yields q(n) for every count n.
public final class RecurrentSceneModel: SceneModel {
  public let store = ParameterStore()
  private let config: Config
  private let context: ModelContext
  private let controller: Controller
  private let pose: PosePosterior
  private let turning: TurnPosterior?
  private let transformer: SpatialTransformer
  let appearance: any Appearance
  private let countPrior: any CountPrior
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
    turning =
      config.window.turnedBy == .controller
      ? nil
      : TurnPosterior(
        config, transformer, pixels: context.channels * config.glimpse * config.glimpse, in: scope.child("turn"))
    countPrior = try countPriors.make(config.prior.count, ())
    likelihood = try likelihoods.make(config.likelihood, ())
    background = try backgrounds.make(
      config.background,
      BackgroundContext(hidden: config.controller.hidden, pixels: pixels, scope: scope.child("background")))
  }

  public var contextShape: ContextShape {
    ContextShape(
      steps: config.steps, pixels: context.channels * context.height * context.width, fed: controller.fedSize,
      discreteNodes: ["presence"] + appearance.discreteNodes)
  }

  public func infer(_ images: Tensor, drawing draw: Draw) -> Pass { run(images, draw).pass }

  public func constants(at progress: Progress) -> [(name: String, value: Tensor)] {
    let logOdds = countPrior.logOdds(steps: config.steps, at: progress)
    return [("presence_prior_log_odds", Tensor(shape: [config.steps], logOdds.map(Float.init)))]
  }

  /// The pass with what it drew.
  func run(_ images: Tensor, _ draw: Draw) -> (pass: Pass, canvas: Canvas) {
    let batch = images.shape[0]
    let logOdds = countPrior.logOdds(steps: config.steps, at: draw.progress)
    var state = controller.start(batch: batch)
    var canvas = Canvas(keepsSum: controller.needsCanvas)
    var terms: [Term] = []
    var contexts: [StepContext] = []
    var alive = Tensor.ones([batch])
    for step in 0..<config.steps {
      let advance = controller.advance(&state, images, canvas)
      let posterior = pose(advance.features)
      let presence = draw.bernoulli(
        "presence", step: step, logits: posterior.presence, priorLogOdds: Float(logOdds[step]))
      let source = controller.glimpseSource(images, canvas.sum)
      let place = draw.normal(
        "window", step: step, mean: posterior.window.mean, deviation: posterior.window.deviation,
        priorMean: pose.prior.mean, priorDeviation: pose.prior.deviation)
      let turn = turning.map { turning in
        let seen = turning(source.read(transformer.place(place.sample), side: config.glimpse))
        return draw.normal(
          "turn", step: step, mean: seen.mean, deviation: seen.deviation, priorMean: turning.prior.mean,
          priorDeviation: turning.prior.deviation)
      }
      let latents = turn.map { .concatenating([place.sample, $0.sample]) } ?? place.sample
      let window = transformer.window(latents)
      let object = appearance.explain(source.read(window, side: config.glimpse), drawing: draw, step: step)

      terms.append(Term("presence", step: step, mask: alive, .bernoulli(presence)))
      alive = alive * presence.sample
      terms.append(Term("window", step: step, mask: alive, .normal(place)))
      if let turn { terms.append(Term("turn", step: step, mask: alive, .normal(turn))) }
      for part in object.latents { terms.append(Term(part.node, step: step, mask: alive, part.latent)) }
      contexts.append(advance.context)
      canvas.add(
        object.patch.written(window, height: context.height, width: context.width), window, gate: alive,
        probability: presence.sample, category: object.category)
      controller.feed([latents, object.fed], to: &state)
    }
    canvas.background = background.draw(state.hidden, like: images)
    let logLikelihood =
      draw.isMarginal
      ? canvas.expectedLogLikelihood(of: images, likelihood)
      : likelihood.logProbability(of: images, given: canvas.composed(like: images))
    let pass = Pass(terms: terms, logLikelihood: logLikelihood, count: canvas.count(batch), contexts: contexts)
    return (pass, canvas)
  }

  public func explain(_ images: Tensor) -> SceneExplanation {
    explained(images, Draw(.mode, noise: RandomStream(seed: 0), progress: .end))
  }

  /// The pass over black images with every latent from its prior: what networks make of the images is not used.
  ///
  /// Only a background has no prior: it is decoded from what the controller makes of a black image and these latents.
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

/// A normal distribution over window latents: mean and deviation [batch, size], or [size].
struct WindowDistribution {
  let mean, deviation: Tensor

  /// The prior of some of the window's latents.
  init(priorOf transformer: SpatialTransformer, _ latents: Range<Int>) {
    func part(_ all: Tensor) -> Tensor { Tensor(shape: [latents.count], Array(all.array()[latents])) }
    (mean, deviation) = (part(transformer.priorMean), part(transformer.priorDeviation))
  }

  /// From raw outputs [batch, 2 * size], in units of the prior: at the start the prior's mean, and narrower than it.
  init(_ raw: Tensor, prior: WindowDistribution, deviationBias: Float) {
    let size = prior.mean.count
    mean = raw.columns(0..<size) * prior.deviation + prior.mean
    deviation = raw.columns(size..<2 * size).scaled(by: 1, plus: deviationBias).softplus() * prior.deviation
  }
}

/// The posterior over presence and window at a step, from the controller's features.
struct PosePosterior {
  /// presence logit [batch]; the window latents that the controller infers.
  struct Parameters { let presence: Tensor, window: WindowDistribution }

  /// Of the window latents that the controller infers.
  let prior: WindowDistribution
  private let head: MLP
  private let presenceBias: Float
  private let deviationBias: Float

  init(_ config: RecurrentSceneModel.Config, _ transformer: SpatialTransformer, in scope: Scope) {
    let size = config.window.turnedBy == .controller ? transformer.size : transformer.placeSize
    prior = WindowDistribution(priorOf: transformer, 0..<size)
    head = MLP(
      inputs: config.controller.hidden, hidden: config.head, outputs: 1 + 2 * size, outputBias: .zeros, in: scope)
    presenceBias = Float(config.controller.presenceBias)
    deviationBias = inverseSoftplus(Float(config.window.initialDeviation))
  }

  func callAsFunction(_ features: Tensor) -> Parameters {
    let raw = head(features)
    return Parameters(
      presence: raw.columns(0..<1).reshaped([raw.shape[0]]).scaled(by: 1, plus: presenceBias),
      window: WindowDistribution(raw.columns(1..<raw.columns), prior: prior, deviationBias: deviationBias))
  }
}

/// The posterior over rotation, shear and linear map, from the glimpse that scale and shift alone cut out.
///
/// Not in the papers, whose controllers infer the whole window at once (discrete-air.md 3.3): turns are a matter of an
/// object's own pixels, wherever it is.
struct TurnPosterior {
  let prior: WindowDistribution
  private let layers: MLP
  private let deviationBias: Float

  /// `pixels`: those of a glimpse.
  init(_ config: RecurrentSceneModel.Config, _ transformer: SpatialTransformer, pixels: Int, in scope: Scope) {
    prior = WindowDistribution(priorOf: transformer, transformer.placeSize..<transformer.size)
    layers = MLP(
      inputs: pixels, hidden: config.window.turnLayers, outputs: 2 * (transformer.size - transformer.placeSize),
      outputBias: .zeros, in: scope)
    deviationBias = inverseSoftplus(Float(config.window.initialDeviation))
  }

  /// glimpses [batch, channel, side, side].
  func callAsFunction(_ glimpses: Tensor) -> WindowDistribution {
    WindowDistribution(layers(glimpses.flattened()), prior: prior, deviationBias: deviationBias)
  }
}

/// x with log(1 + e^x) = value.
private func inverseSoftplus(_ value: Float) -> Float { Float(log(expm1(Double(value)))) }
