import Configuration
import Inference
import Layers
import Tensors

/// The recurrent network that decides at each step where to look and whether to continue.  Kosiorek 2017, eq. (5).
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
      .flag("feedback", \.feedback, "feed the latents of the step before (false: Kosiorek 2017, eq. 5)"),
      .choice("glimpse_source", \.glimpseSource, "what windows read: the image, or what is left unexplained"),
      .number("presence_bias", \.presenceBias, in: -10...10, "presence logit at the start"),
    ]
  }

  /// The state between steps.
  struct State {
    fileprivate var cell: LSTMState
    fileprivate var fed: [Tensor]
    fileprivate var view: SplitLSTM.View?
    fileprivate var embedded: Embedded?
    /// The number of copies of each image in the batch (`Draw.copies`).
    fileprivate let copies: Int
    /// The hidden state h of the previous step, [batch, hidden].
    var hidden: Tensor { cell.hidden }
  }

  /// The image and its embedding's contribution to the gates, computed once for all steps.
  fileprivate struct Embedded { let pixels: PixelRows, gates: Tensor }

  /// The features for the heads and the context for a baseline at one step.
  struct Advance { let features: Tensor, context: StepContext }

  let config: Config
  private let pixels: Int
  private let cell: SplitLSTM
  private let embedding: MLP?
  private let initialFed: [Parameter]

  /// `fed` are the names and sizes of the latents that are fed to the next step.
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

  /// The total size of the fed latents that a baseline sees.
  var fedSize: Int { initialFed.reduce(0) { $0 + $1.count } }

  /// Returns the initial state. The batch holds `copies` adjacent copies of each image.
  func start(batch: Int, copies: Int) -> State {
    State(
      cell: cell.start(batch: batch), fed: initialFed.map { $0.tensor.repeated(rows: batch) }, view: nil, copies: copies
    )
  }

  /// Whether the controller or the glimpses need the sum of what earlier steps drew.
  var needsCanvas: Bool { seesDifferenceThroughEmbedding || config.glimpseSource == .difference }

  private var seesDifferenceThroughEmbedding: Bool { config.input == .difference && embedding != nil }

  /// The images that windows read glimpses from.
  func glimpseSource(_ images: Tensor, _ canvas: Tensor?) -> Tensor {
    guard config.glimpseSource == .difference, let canvas else { return images }
    return images - canvas
  }

  /// Advances the state by one step. Only `input: difference` uses the canvas that earlier steps drew.
  func advance(_ state: inout State, _ images: Tensor, _ canvas: Canvas) -> Advance {
    let fed = state.fed.isEmpty ? nil : Tensor.concatenating(state.fed)
    let (gates, context) = see(&state, images, canvas, fed)
    state.cell = cell.advance(state.cell, gates: gates, fed: fed.map { [$0] } ?? [])
    return Advance(features: state.cell.hidden, context: context)
  }

  /// Stores the latents of this step as input for the next step.
  func feed(_ latents: [Tensor], to state: inout State) {
    if config.feedback { state.fed = latents }
  }

  /// The contribution of the pixels to the gates.
  private func see(
    _ state: inout State, _ images: Tensor, _ canvas: Canvas, _ fed: Tensor?
  ) -> (gates: Tensor, context: StepContext) {
    if let embedding {
      if config.input == .difference, let sum = canvas.sum {
        let difference = (images - sum).flattened()
        return (cell.gates(of: embedding(difference)), StepContext(pixels: PixelRows(difference), fed: fed))
      }
      let seen = state.embedded ?? embedded(images, copies: state.copies, embedding)
      state.embedded = seen
      return (seen.gates, StepContext(pixels: seen.pixels, fed: fed))
    }
    // The image does not change, so its product is computed once for all steps and copies.
    var view = state.view ?? cell.view(of: distinct(images, copies: state.copies), copies: state.copies)
    if config.input == .difference, let last = canvas.last { cell.cover(&view, with: PixelRows(drawn: last)) }
    state.view = view
    return (view.gates, StepContext(pixels: view.pixels, drawn: view.drawn, fed: fed))
  }

  private func embedded(_ images: Tensor, copies: Int, _ embedding: MLP) -> Embedded {
    let pixels = distinct(images, copies: copies)
    return Embedded(pixels: pixels, gates: cell.gates(of: embedding(pixels.dense)).repeatingRows(copies))
  }

  /// The first copy of each image.
  private func distinct(_ images: Tensor, copies: Int) -> PixelRows {
    guard copies > 1 else { return PixelRows(images) }
    let first = stride(from: 0, to: images.shape[0], by: copies)
    return PixelRows(images.flattened().gathered(rows: Array(first)))
  }
}
