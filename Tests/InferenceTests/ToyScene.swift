import Glibc
import Inference
import Layers
import Tensors

@testable import struct Inference.NormalLatent

/// A scene of three steps on four pixels whose bound can be written down by hand (`ToyOracle`).
///
/// Its continuous noise is fixed, so rows differ in their presences alone; every row has its own copy of the parameters, so
/// the rows of a gradient are the gradients of independent draws. Step t: u_t = m_t + softplus(s_t) e_t, presence logit
/// a_t + c_t u_(t-1), object u_t * pattern_t. Unmasked, every presence is there whatever those before it are.
final class ToyScene: ToyModel {
  static let steps = 3
  static let noise: [Double] = [0.6, -1.1, 0.4]
  static let patterns: [[Double]] = [[1, 0.5, 0, -0.3], [0, 1, -0.6, 0.2], [0.4, 0, 0.3, 1]]
  static let priorLogOdds: [Double] = [-0.4, -0.9, -1.3]
  static let pixelDeviation = 0.5
  static let image: [Double] = [0.9, 0.2, 0.7, 0.1]
  /// Logits a, means m, spreads s, couplings c: `steps` values each.
  static let values: [Double] = [0.4, -0.3, 0.2] + [0.8, 0.5, -0.7] + [-0.5, 0.1, -1.0] + [0.3, 0.9, -1.2]

  let rows: Int
  let isMasked: Bool
  let store: ParameterStore

  init(rows: Int, values: [Double] = ToyScene.values, isMasked: Bool = true) {
    (self.rows, self.isMasked) = (rows, isMasked)
    let steps = ToyScene.steps
    store = toyStore(
      rows: rows, values, [("logit", steps), ("mean", steps), ("spread", steps), ("coupling", steps)])
  }

  var image: [Double] { ToyScene.image }

  var contextShape: ContextShape {
    ContextShape(steps: ToyScene.steps, pixels: 4, fed: 1, discreteNodes: [.presence()])
  }

  func infer(_ images: Tensor, drawing draw: Draw) -> Pass {
    let (rows, tables) = (images.shape[0], tables(for: images))
    let pixels = PixelRows(images)
    var previous = Tensor.zeros([rows, 1])
    var alive = Tensor.ones([rows])
    var terms: [Term] = []
    var contexts: [StepContext] = []
    var layers: [(image: Tensor, gate: Tensor, probability: Tensor)] = []
    for step in 0..<ToyScene.steps {
      let (logit, mean, spread, coupling) = (column(0), column(1), column(2), column(3))
      func column(_ table: Int) -> Tensor { tables[table].columns(step..<step + 1) }
      let presence = draw.bernoulli(
        "presence", step: step, logits: (logit + coupling * previous).reshaped([rows]),
        priorLogOdds: Tensor(Float(ToyScene.priorLogOdds[step])))
      let deviation = spread.softplus()
      let u = mean + deviation.scaled(by: Float(ToyScene.noise[step]))
      terms.append(Term("presence", step: step, mask: isMasked ? alive : .ones([rows]), .bernoulli(presence)))
      alive = isMasked ? alive * presence.sample : presence.sample
      let place = NormalLatent(
        mean: mean, deviation: deviation, priorMean: .zeros([1]), priorDeviation: .ones([1]), sample: u)
      terms.append(Term("window", step: step, mask: alive, .normal(place)))
      contexts.append(StepContext(pixels: pixels, fed: previous))
      let pattern = Tensor(shape: [1, 4], ToyScene.patterns[step].map(Float.init))
      layers.append((u.matrixProduct(pattern).reshaped(images.shape), alive, presence.sample))
      previous = u
    }
    func logLikelihood(_ canvas: Tensor) -> Tensor {
      images.normalLogLikelihood(mean: canvas, deviation: Float(ToyScene.pixelDeviation))
    }
    var canvas = Tensor.zeros(images.shape)
    guard draw.isMarginal else {
      for layer in layers { canvas = canvas.adding(layer.image, gatedBy: layer.gate) }
      return pass(terms, logLikelihood(canvas), layers.map(\.gate), contexts)
    }
    var expected = (1 - layers[0].probability) * logLikelihood(canvas)
    for (index, layer) in layers.enumerated() {
      canvas = canvas + layer.image
      let stop = index + 1 < layers.count ? 1 - layers[index + 1].probability : Tensor.ones([rows])
      expected = expected + layer.gate * stop * logLikelihood(canvas)
    }
    return pass(terms, expected, layers.map(\.gate), contexts)
  }

  private func pass(_ terms: [Term], _ logLikelihood: Tensor, _ gates: [Tensor], _ contexts: [StepContext]) -> Pass {
    Pass(
      terms: terms, logLikelihood: logLikelihood, count: gates.dropFirst().reduce(gates[0]) { $0 + $1 },
      contexts: contexts)
  }
}

/// The bound of the toy scene in double precision, from its definition and nothing else.
enum ToyOracle {
  /// All 2^T outcomes of the presences.
  static let outcomes = (0..<1 << ToyScene.steps).map { code in (0..<ToyScene.steps).map { code >> $0 & 1 == 1 } }

  /// Logits and windows at parameter values.
  struct Latents { let logits, means, deviations, samples: [Double] }

  static func latents(_ values: [Double]) -> Latents {
    let t = ToyScene.steps
    let deviations = (0..<t).map { log1p(exp(values[2 * t + $0])) }
    let samples = (0..<t).map { values[t + $0] + deviations[$0] * ToyScene.noise[$0] }
    let logits = (0..<t).map { values[$0] + values[3 * t + $0] * ($0 > 0 ? samples[$0 - 1] : 0) }
    return Latents(logits: logits, means: Array(values[t..<2 * t]), deviations: deviations, samples: samples)
  }

  /// KL of presence `step` from its prior.
  static func presenceKL(_ latents: Latents, _ step: Int) -> Double {
    let (p, prior) = (sigmoid(latents.logits[step]), sigmoid(ToyScene.priorLogOdds[step]))
    return p * log(p / prior) + (1 - p) * log((1 - p) / (1 - prior))
  }

  static func windowKL(_ latents: Latents, _ step: Int) -> Double {
    let (m, s) = (latents.means[step], latents.deviations[step])
    return (m * m + s * s - 1) / 2 - log(s)
  }

  /// -log p(image | the first `count` objects).
  static func distortion(_ latents: Latents, count: Int) -> Double { distortion(latents, drawn: Array(0..<count)) }

  /// -log p(image | the objects of some steps).
  static func distortion(_ latents: Latents, drawn: [Int]) -> Double {
    let image = ToyScene.image
    let variance = ToyScene.pixelDeviation * ToyScene.pixelDeviation
    return image.indices.reduce(0) { sum, pixel in
      let canvas = drawn.reduce(0.0) { $0 + latents.samples[$1] * ToyScene.patterns[$1][pixel] }
      let difference = image[pixel] - canvas
      return sum + difference * difference / (2 * variance) + log(2 * Double.pi * variance) / 2
    }
  }

  /// The objects of an outcome: presences up to the first absence.
  static func count(_ outcome: [Bool]) -> Int { outcome.firstIndex(of: false) ?? outcome.count }

  /// What decision `step` and everything after it costs, the decision's own KL apart; nil where it is never reached.
  static func costToGo(_ latents: Latents, _ outcome: [Bool], _ step: Int) -> Double? {
    let count = count(outcome)
    guard step <= count else { return nil }
    let windows = (step..<max(step, count)).reduce(0.0) { $0 + windowKL(latents, $1) }
    let later = (step + 1..<max(step + 1, min(count + 1, ToyScene.steps))).reduce(0.0) { $0 + presenceKL(latents, $1) }
    return distortion(latents, count: count) + windows + later
  }

  /// The negative bound of one outcome.
  static func bound(_ latents: Latents, _ outcome: [Bool]) -> Double {
    let count = count(outcome)
    let presences = (0..<min(count + 1, ToyScene.steps)).reduce(0.0) { $0 + presenceKL(latents, $1) }
    let windows = (0..<count).reduce(0.0) { $0 + windowKL(latents, $1) }
    return distortion(latents, count: count) + presences + windows
  }

  /// The negative bound, summed over all outcomes with their probabilities.
  static func expectedBound(_ values: [Double]) -> Double {
    let latents = latents(values)
    return outcomes.reduce(0) { sum, outcome in
      let probability = outcome.enumerated().reduce(1.0) { product, presence in
        product * sigmoid(presence.element ? latents.logits[presence.offset] : -latents.logits[presence.offset])
      }
      return sum + probability * bound(latents, outcome)
    }
  }

  /// The gradient of `expectedBound` by central differences.
  static func gradient(at values: [Double] = ToyScene.values) -> [Double] { slope(of: expectedBound, at: values) }

  static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  /// What the scene can turn out to be. Unmasked, presences do not end it.
  static func results(_ values: [Double], isMasked: Bool) -> [ToyOutcome] {
    let (latents, steps) = (latents(values), ToyScene.steps)
    return outcomes.map { outcome in
      let present = (0..<steps).map { isMasked ? $0 < count(outcome) : outcome[$0] }
      let decided = (0..<steps).map { !isMasked || $0 <= count(outcome) }
      let drawn = (0..<steps).filter { present[$0] }
      var logWeight = -distortion(latents, drawn: drawn)
      var bound = distortion(latents, drawn: drawn)
      var probability = 1.0
      for step in 0..<steps {
        let sign = outcome[step] ? 1.0 : -1.0
        let q = sigmoid(sign * latents.logits[step])
        probability *= q
        if decided[step] {
          bound += presenceKL(latents, step)
          logWeight += log(sigmoid(sign * ToyScene.priorLogOdds[step]) / q)
        }
        if present[step] {
          bound += windowKL(latents, step)
          // log N(u; 0, 1) - log N(u; m, s).
          let e = ToyScene.noise[step]
          logWeight += (e * e - latents.samples[step] * latents.samples[step]) / 2 + log(latents.deviations[step])
        }
      }
      return ToyOutcome(probability: probability, bound: bound, logWeight: logWeight)
    }
  }
}

extension Pass {
  /// The sample of every presence of one row, from its terms.
  func outcome(ofRow row: Int) -> [Bool] {
    terms.compactMap { term in
      guard case .bernoulli(let presence) = term.latent else { return nil }
      return presence.sample.array()[row] > 0.5
    }
  }
}
