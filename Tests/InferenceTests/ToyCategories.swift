import Glibc
import Inference
import Layers
import Tensors

/// Two steps with a category each, on four pixels, behind a presence where it is masked.
///
/// Step t: presence logit a_t, category logits l_t, object m_t * pattern of the category. Both logits of step 1 depend on
/// the category of step 0 through the couplings c. Rows have their own copies of the parameters.
final class ToyCategories: ToyModel {
  static let steps = 2
  static let kinds = 3
  static let patterns: [[Double]] = [[1, 0.5, 0, -0.3], [0, 1, -0.6, 0.2], [0.4, 0, 0.3, 1]]
  static let priorLogOdds: [Double] = [0.3, -0.6]
  static let pixelDeviation = 0.5
  /// What a category adds to the next presence logit, and to the next category's logits.
  static let presenceCoupling: [Double] = [1, -0.8, 0.4]
  static let categoryCoupling: [[Double]] = [[0.5, -1, 0.3], [-0.7, 0.2, 1], [1.1, 0, -0.4]]
  /// Presence logits a, category logits l (three a step), brightnesses m, couplings c of presence and category.
  static let values: [Double] = [0.6, 0.1] + [0.4, -0.3, 0.2, -0.5, 0.7, 0.1] + [0.8, 0.5] + [0.9, 1.2]

  let rows: Int
  let isMasked: Bool
  let store: ParameterStore
  let image: [Double] = [0.9, 0.2, 0.7, 0.1]

  init(rows: Int, isMasked: Bool = true) {
    (self.rows, self.isMasked) = (rows, isMasked)
    store = toyStore(
      rows: rows, Self.values, [("presence", 2), ("category", 6), ("brightness", 2), ("coupling", 2)])
  }

  var contextShape: ContextShape {
    let category = DiscreteNode.categorical("category", outcomes: Self.kinds)
    return ContextShape(
      steps: Self.steps, pixels: 4, fed: Self.kinds, discreteNodes: isMasked ? [.presence(), category] : [category])
  }

  func infer(_ images: Tensor, drawing draw: Draw) -> Pass {
    let (rows, tables) = (images.shape[0], tables(for: images))
    func matrix(_ rows: [[Double]]) -> Tensor {
      Tensor(shape: [rows.count, rows[0].count], rows.flatMap { $0.map(Float.init) })
    }
    let pixels = PixelRows(images)
    var before = Tensor.zeros([rows, Self.kinds])
    var alive = Tensor.ones([rows])
    var canvas = Tensor.zeros(images.shape)
    var terms: [Term] = []
    var contexts: [StepContext] = []
    var count = Tensor.zeros([rows])
    for step in 0..<Self.steps {
      contexts.append(StepContext(pixels: pixels, fed: before))
      if isMasked {
        let coupled = before.matrixProduct(matrix(Self.presenceCoupling.map { [$0] })) * tables[3].columns(0..<1)
        let presence = draw.bernoulli(
          "presence", step: step, logits: (tables[0].columns(step..<step + 1) + coupled).reshaped([rows]),
          priorLogOdds: Tensor(Float(Self.priorLogOdds[step])))
        terms.append(Term("presence", step: step, mask: alive, .bernoulli(presence)))
        alive = alive * presence.sample
      }
      let own = tables[1].columns(step * Self.kinds..<(step + 1) * Self.kinds)
      let coupled = before.matrixProduct(matrix(Self.categoryCoupling)) * tables[3].columns(1..<2)
      let category = draw.categorical("category", step: step, logits: own + coupled)
      terms.append(Term("category", step: step, mask: alive, .categorical(category)))
      let object = category.sample.matrixProduct(matrix(Self.patterns)) * tables[2].columns(step..<step + 1)
      canvas = canvas.adding(object.reshaped(images.shape), gatedBy: alive)
      count = count + alive
      before = category.sample
    }
    let logLikelihood = images.normalLogLikelihood(mean: canvas, deviation: Float(Self.pixelDeviation))
    return Pass(terms: terms, logLikelihood: logLikelihood, count: count, contexts: contexts)
  }

  /// Everything that can be drawn, in double precision, from the definition and nothing else.
  static func results(_ values: [Double], isMasked: Bool) -> [ToyOutcome] {
    let (image, variance) = ([0.9, 0.2, 0.7, 0.1], pixelDeviation * pixelDeviation)
    func softmax(_ logits: [Double]) -> [Double] {
      let total = logits.reduce(0) { $0 + exp($1) }
      return logits.map { exp($0) / total }
    }
    /// The outcomes of steps from `step` on: log q, KLs and log p - log q of what is still to be drawn, and the pixels in the end.
    func outcomes(_ step: Int, _ before: Int?, _ canvas: [Double], _ logQ: Double, _ kl: Double, _ ratio: Double)
      -> [ToyOutcome]
    {
      func finished(_ logQ: Double, _ kl: Double, _ ratio: Double) -> ToyOutcome {
        let distortion = zip(image, canvas).reduce(0) {
          $0 + ($1.0 - $1.1) * ($1.0 - $1.1) / (2 * variance) + log(2 * Double.pi * variance) / 2
        }
        return ToyOutcome(probability: exp(logQ), bound: distortion + kl, logWeight: ratio - distortion)
      }
      guard step < steps else { return [finished(logQ, kl, ratio)] }
      var (logQ, kl, ratio) = (logQ, kl, ratio)
      var found: [ToyOutcome] = []
      if isMasked {
        let p = 1 / (1 + exp(-(values[step] + (before.map { presenceCoupling[$0] * values[10] } ?? 0))))
        let prior = 1 / (1 + exp(-priorLogOdds[step]))
        kl += p * log(p / prior) + (1 - p) * log((1 - p) / (1 - prior))
        found.append(finished(logQ + log(1 - p), kl, ratio + log((1 - prior) / (1 - p))))
        (logQ, ratio) = (logQ + log(p), ratio + log(prior / p))
      }
      let q = softmax(
        (0..<kinds).map { kind in
          values[2 + step * kinds + kind] + (before.map { categoryCoupling[$0][kind] * values[11] } ?? 0)
        })
      kl += q.reduce(0) { $0 + $1 * log($1 * Double(kinds)) }
      for kind in 0..<kinds {
        let next = zip(canvas, patterns[kind]).map { $0 + values[8 + step] * $1 }
        found += outcomes(step + 1, kind, next, logQ + log(q[kind]), kl, ratio - log(q[kind] * Double(kinds)))
      }
      return found
    }
    return outcomes(0, nil, [0, 0, 0, 0], 0, 0, 0)
  }
}
