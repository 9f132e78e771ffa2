import Configuration
import Inference
import Layers
import Tensors

/// The recurrent network that decides, step by step, where to look and whether to go on.  air-notes eq. (5).
struct Controller {
  struct Config: Configurable {
    enum Input: String, CaseIterable, Sendable { case image, difference }

    var hidden = 256
    var input = Input.image
    var embedding: [Int] = []
    var feedback = true
    var glimpseSource = Input.image
    var presenceBias = 1.0

    static let fields: [Field<Config>] = [
      .integer("hidden", \.hidden, in: 1...8192, "size of the LSTM"),
      .choice("input", \.input, "what the LSTM sees: the image, or what earlier steps left unexplained"),
      .integers("embedding", \.embedding, in: 1...8192, "dense layers before the LSTM; none: raw pixels"),
      .flag("feedback", \.feedback, "feed the latents of the step before (false: air-notes eq. 5)"),
      .choice("glimpse_source", \.glimpseSource, "what windows read: the image, or what is left unexplained"),
      .number("presence_bias", \.presenceBias, in: -10...10, "presence logit at the start"),
    ]
  }

  /// The state between steps.
  struct State {
    fileprivate var cell: LSTMState
    fileprivate var fed: [Tensor]
    fileprivate var view: View?
    /// h of the step before, [batch, hidden].
    var hidden: Tensor { cell.hidden }
  }

  /// What the LSTM sees of the pixels, with its share of the gates.
  fileprivate struct View { let pixels: PixelRows, gates: Tensor }

  /// What the heads and a baseline get at one step.
  struct Advance { let features: Tensor, context: StepContext }

  let config: Config
  private let pixels: Int
  private let cell: SplitLSTM
  private let embedding: MLP?
  private let initialFed: [Parameter]

  /// `fed`: names and sizes of the latents that are fed to the next step.
  init(_ config: Config, pixels: Int, fed: [(name: String, size: Int)], in scope: Scope) {
    self.config = config
    self.pixels = pixels
    let sizes = config.feedback ? fed : []
    if let last = config.embedding.last {
      embedding = MLP(
        inputs: pixels, hidden: Array(config.embedding.dropLast()), outputs: last, outputActivation: .relu,
        in: scope.child("embedding"))
    } else {
      embedding = nil
    }
    cell = SplitLSTM(
      pixels: config.embedding.last ?? pixels, fed: sizes.reduce(0) { $0 + $1.size }, hidden: config.hidden, in: scope)
    initialFed = sizes.map { scope.parameter($0.name, [$0.size], .zeros) }
  }

  /// Sizes of what a baseline sees.
  var fedSize: Int { initialFed.reduce(0) { $0 + $1.count } }

  func start(batch: Int) -> State {
    State(
      cell: cell.start(batch: batch), fed: initialFed.map { $0.tensor.repeated(rows: batch) }, view: nil)
  }

  /// Whether any part looks at what earlier steps drew.
  var needsCanvas: Bool { config.input == .difference || config.glimpseSource == .difference }

  /// What windows read.
  func glimpseSource(_ images: Tensor, _ canvas: Tensor?) -> Tensor {
    guard config.glimpseSource == .difference, let canvas else { return images }
    return images - canvas
  }

  /// One step. `canvas` holds what earlier steps drew (nil before the first); only the difference input looks at it.
  func advance(_ state: inout State, _ images: Tensor, _ canvas: Tensor?) -> Advance {
    let view = view(state, images, canvas)
    state.view = view
    let fed = state.fed.isEmpty ? nil : Tensor.concatenating(state.fed)
    state.cell = cell.advance(state.cell, gates: view.gates, fed: fed.map { [$0] } ?? [])
    return Advance(features: state.cell.hidden, context: StepContext(pixels: view.pixels, fed: fed))
  }

  /// Keeps the latents of this step for the next.
  func feed(_ latents: [Tensor], to state: inout State) {
    if config.feedback { state.fed = latents }
  }

  private func view(_ state: State, _ images: Tensor, _ canvas: Tensor?) -> View {
    if config.input == .difference, let canvas {
      let difference = (images - canvas).flattened()
      let features = embedding.map { $0(difference) } ?? difference
      return View(pixels: PixelRows(difference), gates: cell.gates(of: features))
    }
    // The image does not change: its product is formed once for all steps.
    if let view = state.view { return view }
    let pixels = PixelRows(images)
    let gates = embedding.map { cell.gates(of: $0(pixels.dense)) } ?? cell.gates(of: pixels)
    return View(pixels: pixels, gates: gates)
  }
}
