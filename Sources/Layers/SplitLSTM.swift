import Tensors

/// An LSTM whose input is pixels beside a few fed values: x W_x + b + [fed, h] W_r.
///
/// Pixels that stay the same over the steps are multiplied once; their weight's gradient is then formed once too, from
/// the summed gradients of the gates.
public struct SplitLSTM {
  public let hidden: Int
  private let image: Linear
  private let recurrent: Parameter
  private let initialHidden: Parameter
  private let initialCell: Parameter

  /// Weights start uniform with bound 1 / sqrt(hidden), the learned initial state at zero.
  public init(pixels: Int, fed: Int, hidden: Int, in scope: Scope) {
    self.hidden = hidden
    let start = Initializer.fanIn(hidden)
    image = Linear(inputs: pixels, outputs: 4 * hidden, weight: start, bias: start, in: scope.child("image"))
    recurrent = scope.child("recurrent").parameter("weight", [fed + hidden, 4 * hidden], start)
    initialHidden = scope.parameter("hidden", [hidden], .zeros)
    initialCell = scope.parameter("cell", [hidden], .zeros)
  }

  public func start(batch: Int) -> LSTMState {
    LSTMState(
      hidden: initialHidden.tensor.repeated(rows: batch), cell: initialCell.tensor.repeated(rows: batch))
  }

  /// An image (one row for all of its copies), what was drawn over it so far, and the share of the gates [batch, 4 * hidden]
  /// of the difference of the two.
  public struct View {
    public let pixels: PixelRows
    public fileprivate(set) var drawn: [PixelRows] = []
    public fileprivate(set) var gates: Tensor
  }

  /// What is seen of pixels that nothing covers, in a batch that holds so many copies of each row, one after the other.
  public func view(of pixels: PixelRows, copies: Int = 1) -> View {
    View(pixels: pixels, gates: pixels.product(image.weight.tensor, image.bias.tensor).repeatingRows(copies))
  }

  /// Takes a drawing away from what is seen: (x - y) W = x W - y W, so only the drawing is multiplied, which is blank
  /// outside of its window.
  public func cover(_ view: inout View, with drawing: PixelRows) {
    view.gates = view.gates - drawing.product(image.weight.tensor, nil)
    view.drawn.append(drawing)
  }

  /// The share of the gates of anything else [batch, features].
  public func gates(of features: Tensor) -> Tensor { image(features) }

  /// One step from the pixels' gates and the fed values [batch, fed].
  public func advance(_ state: LSTMState, gates: Tensor, fed: [Tensor]) -> LSTMState {
    let input = fed.isEmpty ? state.hidden : Tensor.concatenating(fed + [state.hidden])
    return gates.adding(productOf: input, recurrent.tensor).lstmCell(state.cell)
  }
}
