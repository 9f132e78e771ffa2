import CKernels

extension Tensor {
  public func exp() -> Tensor { map(CK_EXP) }
  public func log() -> Tensor { map(CK_LOG) }
  public func sigmoid() -> Tensor { map(CK_SIGMOID) }
  public func tanh() -> Tensor { map(CK_TANH) }
  public func relu() -> Tensor { map(CK_RELU) }
  public func elu() -> Tensor { map(CK_ELU) }
  public func squared() -> Tensor { map(CK_SQUARE) }
  public func squareRoot() -> Tensor { map(CK_SQRT) }
  public func reciprocal() -> Tensor { map(CK_RECIPROCAL) }
  public func cos() -> Tensor { map(CK_COS) }
  public func sin() -> Tensor { map(CK_SIN) }
  /// log(1 + e^x), without overflow.
  public func softplus() -> Tensor { map(CK_SOFTPLUS) }
  /// log sigmoid(x) = -softplus(-x), without underflow.
  public func logSigmoid() -> Tensor { -(-self).softplus() }

  private func map(_ op: ck_unary_op) -> Tensor {
    let x = detached()
    let y = Tensor(uninitialized: shape)
    ck_unary(op, x.pointer, y.pointer, Int64(count))
    return y.recorded(from: self) { dy, inputs in
      inputs.accumulate(0, shape: x.shape) {
        ck_unary_gradient(op, x.pointer, y.pointer, dy.pointer, $0, $1, Int64(x.count))
      }
    }
  }

  /// `scale` * self + `offset`.
  public func scaled(by scale: Float, plus offset: Float = 0) -> Tensor {
    let y = Tensor(uninitialized: shape)
    ck_affine(scale, offset, pointer, y.pointer, 0, Int64(count))
    return y.recorded(from: self) { dy, inputs in
      inputs.accumulate(0, shape: dy.shape) { ck_affine(scale, 0, dy.pointer, $0, $1, Int64(dy.count)) }
    }
  }

  /// 1 where the element is above `threshold`, else 0. The result is a constant: no gradient flows through it.
  public func isAbove(_ threshold: Float) -> Tensor {
    Tensor(shape: shape) { out in
      withUnsafeBuffer { x in for i in 0..<x.count { out[i] = x[i] > threshold ? 1 : 0 } }
    }
  }

  /// Has the value of `self` and sends its gradient to `surrogate` (the straight-through estimator). Requires equal
  /// shapes.
  public func straightThrough(to surrogate: Tensor) -> Tensor {
    precondition(shape == surrogate.shape, "shapes \(shape) and \(surrogate.shape) differ")
    return detached().recorded(from: surrogate) { dy, inputs in inputs.add(dy, to: 0) }
  }
}
