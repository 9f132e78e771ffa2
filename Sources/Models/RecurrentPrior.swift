import Configuration
import Glibc
import Inference
import Layers
import Tensors

/// AIR-pPrior's learned prior: an LSTM over earlier windows.  Xu et al. 2019, section 3.1, eq. (4).
///
/// From the LSTM's state, networks predict whether there is another object, its scale, and its position given the
/// scale. Means are offsets from the fixed prior's mean. Offsets and deviations are in units of the fixed prior's
/// deviation, so training starts near the independent prior.
struct RecurrentPrior: ScenePrior {
  struct Config: Configurable {
    var hidden = 256
    var head = [64]
    static let fields: [Field<Config>] = [
      .integer("hidden", \.hidden, in: 1...8192, "size of the LSTM over the windows before"),
      .integers("head", \.head, in: 1...8192, "hidden layers from its state to presence, scale and place"),
    ]
  }

  /// The smallest deviation, in units of the fixed prior's deviation. It keeps the KL from diverging.
  private static let leastDeviation: Float = 1e-2

  private let transformer: SpatialTransformer
  private let cell: SplitLSTM
  private let presence: MLP
  private let scale: MLP
  private let place: MLP

  init(_ config: Config, _ context: ScenePriorContext) {
    transformer = context.transformer
    let (scales, others) = (transformer.scaleSize, transformer.size - transformer.scaleSize)
    cell = SplitLSTM(pixels: transformer.size, fed: 0, hidden: config.hidden, in: context.scope)
    func head(_ name: String, beside inputs: Int, outputs: Int) -> MLP {
      MLP(
        inputs: config.hidden + inputs, hidden: config.head, outputs: outputs, outputBias: .zeros,
        in: context.scope.child(name))
    }
    presence = head("presence", beside: 0, outputs: 1)
    scale = head("scale", beside: 0, outputs: 2 * scales)
    place = head("place", beside: scales, outputs: 2 * others)
  }

  func constants(at progress: Progress) -> [(name: String, value: Tensor)] { [] }

  func course(batch: Int, at progress: Progress) -> any ScenePriorCourse {
    Course(prior: self, state: cell.start(batch: batch), batch: batch)
  }

  private struct Course: ScenePriorCourse {
    let prior: RecurrentPrior
    var state: LSTMState
    let batch: Int

    mutating func next(after window: Tensor?) -> ObjectPrior {
      let seen = window ?? .zeros([batch, prior.transformer.size])
      state = prior.cell.advance(state, gates: prior.cell.gates(of: seen), fed: [])
      let (prior, hidden) = (prior, state.hidden)
      return ObjectPrior(
        presence: prior.presence(hidden).reshaped([batch]),
        window: NormalPrior(stages: 2) { prior.window(hidden, $0) })
    }
  }

  /// Returns the mean and deviation of window latents. Those of the scales depend on the state, all others also on the
  /// scales in `sample`.
  private func window(_ hidden: Tensor, _ sample: Tensor) -> (mean: Tensor, deviation: Tensor) {
    let scales = transformer.scaleSize
    let others = transformer.size - scales
    let first = scale(hidden)
    let second = place(.concatenating([hidden, sample.columns(0..<scales)]))
    let mean = Tensor.concatenating([first.columns(0..<scales), second.columns(0..<others)])
    let spread = Tensor.concatenating([first.columns(scales..<2 * scales), second.columns(others..<2 * others)])
    // softplus(log(e - 1)) = 1.
    let deviation = spread.scaled(by: 1, plus: Float(log(expm1(1.0)))).softplus().scaled(
      by: 1, plus: Self.leastDeviation)
    return (mean * transformer.priorDeviation + transformer.priorMean, deviation * transformer.priorDeviation)
  }
}
