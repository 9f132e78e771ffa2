import Configuration
import Glibc
import Inference
import Layers
import Tensors

/// AIR-ASR's constraint on counts: every scene has an allowed number of objects, and all allowed numbers are equally
/// frequent.  Xu et al. 2019, section 4.1.
///
/// Let q(n) be the posterior over counts given by the presence logits of a pass, and L the set of allowed counts:
/// F1 = mean over images of min_(i in L) KL(delta_i || q) = mean of -max_(i in L) log q(n = i), and
/// F2 = KL(uniform over L || mean of q over the batch) = -log |L| - 1/|L| sum_(i in L) log mean q(n = i).
/// The penalty is weight * F1 + frequency_weight * F2. Its gradient flows only through the logits.
struct AllowedCounts: Regularizer {
  struct Config: RegularizerConfig {
    var counts: [Int] = []
    var weight = Schedule(10)
    var frequencyWeight = Schedule(100)

    static let fields: [Field<Config>] = [
      .integers("counts", \.counts, in: 0...64, "the numbers of objects that a scene may have"),
      .schedule("weight", \.weight, in: 0...1e6, "weight of the distance of each image from its nearest allowed count"),
      .schedule(
        "frequency_weight", \.frequencyWeight, in: 0...1e6,
        "weight of the distance of the batch's counts from equal frequencies"),
    ]

    func problems() -> [Problem] {
      if counts.isEmpty { return [Problem(key: "counts", "is empty; name the numbers that a scene may have")] }
      guard Set(counts).count < counts.count else { return [] }
      return [Problem(key: "counts", "names a count twice")]
    }

    func obstacle(in model: Choice) -> String? {
      guard let config = model.config as? RecurrentSceneModel.Config else {
        return "'count' is about presences, which model '\(model.name)' has none of"
      }
      guard config.presence == .inferred else {
        return
          "'count' is about presences, but model.presence is 'always'; set it to inferred, or leave the regularizer out"
      }
      guard let largest = counts.max(), largest > config.steps else { return nil }
      return "'count' allows \(largest) objects, but the model has \(config.steps) steps; raise model.steps"
    }
  }

  private let config: Config

  init(_ config: Config) { self.config = config }

  func penalty(on pass: Pass, drawing draw: Draw) -> Penalty {
    let logits = pass.terms.compactMap { term -> Tensor? in
      guard case .bernoulli(let presence) = term.latent, term.node == "presence" else { return nil }
      return presence.logits.reshaped([presence.logits.count, 1])
    }
    guard !logits.isEmpty else { return Penalty("count", batch: Tensor(0), violated: 0) }
    let probabilities = logProbabilities(.concatenating(logits))
    let allowed = Tensor.concatenating(config.counts.map { probabilities.columns($0..<$0 + 1) })
    let nearest = (allowed.detached().oneHotOfLargest() * allowed).rowSums()
    // log mean_x q_x(i). The product with the unit matrix transposes, so that images lie along a row.
    let means = unitMatrix(config.counts.count).matrixProduct(allowed, otherTransposed: true).logSumExp()
      .scaled(by: 1, plus: -Float(log(Double(allowed.shape[0]))))
    let distance = nearest.mean().scaled(by: -1)
    let frequency = means.mean().scaled(by: -1, plus: -Float(log(Double(config.counts.count))))
    let value =
      distance.scaled(by: Float(config.weight.value(at: draw.progress)))
      + frequency.scaled(by: Float(config.frequencyWeight.value(at: draw.progress)))
    return Penalty("count", batch: value, violated: violations(probabilities))
  }

  /// log q(n) [batch, steps + 1] from presence logits [batch, steps].
  private func logProbabilities(_ logits: Tensor) -> Tensor {
    let steps = logits.columns
    let (going, stopping) = (logits.logSigmoid(), (-logits).logSigmoid())
    var sum = Tensor.zeros([logits.shape[0], 1])
    var columns: [Tensor] = []
    for step in 0..<steps {
      columns.append(sum + stopping.columns(step..<step + 1))
      sum = sum + going.columns(step..<step + 1)
    }
    return .concatenating(columns + [sum])
  }

  private func unitMatrix(_ size: Int) -> Tensor {
    Tensor(shape: [size, size], (0..<size * size).map { $0 / size == $0 % size ? 1 : 0 })
  }

  /// The fraction of images whose most likely count is not allowed.
  private func violations(_ probabilities: Tensor) -> Double {
    let (values, width) = (probabilities.array(), probabilities.columns)
    let wrong = (0..<probabilities.shape[0]).filter { row in
      let own = values[row * width..<(row + 1) * width]
      return !config.counts.contains { own[row * width + $0] == own.max() }
    }
    return Double(wrong.count) / Double(max(1, probabilities.shape[0]))
  }
}
