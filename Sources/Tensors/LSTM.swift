import CKernels

/// Hidden and cell state [batch, hidden] of an LSTM.
public struct LSTMState {
  public var hidden: Tensor
  public var cell: Tensor
  public init(hidden: Tensor, cell: Tensor) {
    self.hidden = hidden
    self.cell = cell
  }
}

extension Tensor {
  /// One step of an LSTM: c' = f c + i g, h' = o tanh c'.
  ///
  /// Self holds the pre-activations of the gates [batch, 4 * hidden] in the order input, forget, cell, output; `cell`
  /// is the previous cell state [batch, hidden]. Hochreiter and Schmidhuber 1997, with forget gates.
  public func lstmCell(_ cell: Tensor) -> LSTMState {
    let (batch, hidden) = (cell.shape[0], cell.shape[1])
    precondition(shape == [batch, 4 * hidden], "gates \(shape) do not fit a cell state \(cell.shape)")
    let gates = Tensor(uninitialized: shape)
    gates.pointer.update(from: pointer, count: count)
    let before = cell.detached()
    let next = Tensor(uninitialized: cell.shape)
    let tanhNext = Tensor(uninitialized: cell.shape)
    let output = Tensor(uninitialized: cell.shape)
    ck_lstm(
      Int64(batch), Int64(hidden), gates.pointer, before.pointer, next.pointer, tanhNext.pointer, output.pointer)
    // The two results are two nodes. The cell's node always runs after the hidden state's node, whose gradient is kept
    // until then.
    let pending = PendingGradient()
    let cellNode = next.recorded(from: self, cell) { dc, inputs in
      let dh = pending.take()
      let dgates = Tensor(uninitialized: gates.shape)
      let dbefore = inputs.wants(1) ? Tensor(uninitialized: before.shape) : nil
      ck_lstm_gradient(
        Int64(batch), Int64(hidden), gates.pointer, before.pointer, tanhNext.pointer, dh?.pointer, dc.pointer,
        dgates.pointer, dbefore?.pointer)
      inputs.add(dgates, to: 0)
      if let dbefore { inputs.add(dbefore, to: 1) }
    }
    let hiddenNode = output.recorded(from: cellNode) { dh, inputs in
      pending.put(dh)
      inputs.add(.zeros(dh.shape), to: 0)
    }
    return LSTMState(hidden: hiddenNode, cell: cellNode)
  }
}

/// Carries the hidden state's gradient from its node to the cell's.
private final class PendingGradient {
  private var gradient: Tensor?
  func put(_ gradient: Tensor) { self.gradient = gradient }
  func take() -> Tensor? {
    defer { gradient = nil }
    return gradient
  }
}
