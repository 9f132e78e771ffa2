import Configuration
import Layers
import Tensors

/// A learned baseline: an LSTM over the controller's inputs, and an MLP on its state.
/// Mnih and Gregor 2014, section 3.1.
///
/// No gradient flows back into the controller's inputs.
public struct Baseline {
  public struct Config: Configurable {
    public var hidden = 256
    public var layers = [200]
    public var rate = Schedule(1e-3)
    public init() {}
    public static let fields: [Field<Config>] = [
      .integer("hidden", \.hidden, in: 1...8192, "size of the LSTM"),
      .integers("layers", \.layers, in: 1...8192, "hidden layers between the LSTM and the prediction"),
      .schedule("rate", \.rate, in: 0...10, "step size of the baseline's own optimizer"),
    ]
  }

  private let cell: SplitLSTM
  private let output: MLP

  /// The baseline makes one prediction per discrete node of a step.
  init(_ config: Config, _ shape: ContextShape, in scope: Scope) {
    cell = SplitLSTM(pixels: shape.pixels, fed: shape.fed, hidden: config.hidden, in: scope)
    output = MLP(inputs: config.hidden, hidden: config.layers, outputs: shape.discreteNodes.count, in: scope)
  }

  /// Returns the predicted costs [batch, discrete nodes] of every step.
  func callAsFunction(_ contexts: [StepContext]) -> [Tensor] {
    guard let first = contexts.first else { return [] }
    var state = cell.start(batch: first.pixels.rows)
    var seen = cell.view(of: first.pixels)
    return contexts.map { context in
      if seen.pixels !== context.pixels { seen = cell.view(of: context.pixels) }
      for drawing in context.drawn.dropFirst(seen.drawn.count) { cell.cover(&seen, with: drawing) }
      state = cell.advance(state, gates: seen.gates, fed: context.fed.map { [$0] } ?? [])
      return output(state.hidden)
    }
  }
}
