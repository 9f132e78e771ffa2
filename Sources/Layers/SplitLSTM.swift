import Tensors

/// An LSTM whose input is pixels and a few fed values: x W_x + b + [fed, h] W_r.
///
/// Pixels that stay the same over the steps are multiplied once. The gradient of their weight is then computed once
/// too, from the summed gradients of the gates.
public struct SplitLSTM {
  public let hidden: Int
  private let image: Linear
  private let recurrent: Parameter
  private let initialHidden: Parameter
  private let initialCell: Parameter

  /// Weights and the bias are initialized uniformly with bound 1 / sqrt(hidden), the learned initial state with zeros.
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

  /// An image and the drawings that cover it: the pixels (one row for all copies of an image), what was drawn so far,
  /// and the contribution of their difference to the gates [batch, 4 * hidden].
  public struct View {
    public let pixels: PixelRows
    public fileprivate(set) var drawn: [PixelRows] = []
    public fileprivate(set) var gates: Tensor
  }

  /// The view of pixels that nothing covers yet. The batch holds `copies` copies of each row, one after the other.
  public func view(of pixels: PixelRows, copies: Int = 1) -> View {
    View(pixels: pixels, gates: pixels.product(image.weight.tensor, image.bias.tensor).repeatingRows(copies))
  }

  /// Subtracts a drawing from the view: (x - y) W = x W - y W. Only the drawing is multiplied, and it is blank outside
  /// its window.
  public func cover(_ view: inout View, with drawing: PixelRows) {
    view.gates = view.gates - drawing.product(image.weight.tensor, nil)
    view.drawn.append(drawing)
  }

  /// The contribution of other features [batch, features] to the gates. They take the place of the pixels.
  public func gates(of features: Tensor) -> Tensor { image(features) }

  /// Computes one step from the contribution of the pixels to the gates and the fed values [batch, fed].
  public func advance(_ state: LSTMState, gates: Tensor, fed: [Tensor]) -> LSTMState {
    let input = fed.isEmpty ? state.hidden : Tensor.concatenating(fed + [state.hidden])
    return gates.adding(productOf: input, recurrent.tensor).lstmCell(state.cell)
  }
}
