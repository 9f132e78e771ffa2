import CKernels

extension Tensor {
  /// KL(N(self, deviation^2) || N(priorMean, priorDeviation^2)), summed over the last axis: [batch, n] -> [batch].
  /// The prior has the same shape, or [n] for one prior for all rows.
  public func normalKL(deviation: Tensor, priorMean: Tensor, priorDeviation: Tensor) -> Tensor {
    let (rows, width) = (Int64(self.rows), Int64(columns))
    precondition(
      deviation.shape == shape && priorMean.columns == columns && priorMean.shape == priorDeviation.shape
        && (priorMean.count == count || priorMean.count == columns),
      "posterior \(shape), \(deviation.shape); prior \(priorMean.shape), \(priorDeviation.shape)")
    let (m, s, pm, ps) = (detached(), deviation.detached(), priorMean.detached(), priorDeviation.detached())
    let priorRow = priorMean.count == count ? width : 0
    let out = Tensor(uninitialized: Array(shape.dropLast()))
    ck_normal_kl(rows, width, m.pointer, s.pointer, pm.pointer, ps.pointer, priorRow, out.pointer)
    return out.recorded(from: self, deviation, priorMean, priorDeviation) { dy, inputs in
      let parts = (0..<4).map { inputs.wants($0) ? Tensor(uninitialized: m.shape) : nil }
      ck_normal_kl_gradient(
        rows, width, m.pointer, s.pointer, pm.pointer, ps.pointer, priorRow, dy.pointer, parts[0]?.pointer,
        parts[1]?.pointer, parts[2]?.pointer, parts[3]?.pointer, 0)
      for (index, part) in parts.enumerated() {
        guard let part else { continue }
        if index >= 2 && priorRow == 0 {
          inputs.accumulate(index, shape: pm.shape) { ck_column_sums(rows, width, part.pointer, $0, $1) }
        } else {
          inputs.add(part.reshaped(index < 2 ? m.shape : pm.shape), to: index)
        }
      }
    }
  }

  /// log N(self; mean, deviation^2), summed over all axes but the first: images [batch, ...] -> [batch]. Self is a
  /// constant and gets no gradient.
  public func normalLogLikelihood(mean: Tensor, deviation: Float) -> Tensor {
    precondition(shape == mean.shape, "images \(shape), mean \(mean.shape)")
    let (rows, width) = (Int64(shape[0]), Int64(count / shape[0]))
    let (x, y) = (detached(), mean.detached())
    let out = Tensor(uninitialized: [shape[0]])
    ck_normal_log_likelihood(rows, width, x.pointer, y.pointer, deviation, out.pointer)
    return out.recorded(from: mean) { dy, inputs in
      inputs.accumulate(0, shape: y.shape) {
        ck_normal_log_likelihood_gradient(rows, width, x.pointer, y.pointer, deviation, dy.pointer, $0, $1)
      }
    }
  }

  /// sum of x log p + (1 - x) log(1 - p) with p the canvas clipped to [epsilon, 1 - epsilon]: images [batch, ...] ->
  /// [batch]. Gray pixels are soft targets. The gradient is zero below epsilon; at the upper clip it passes straight
  /// through.
  public func bernoulliLogLikelihood(canvas: Tensor, epsilon: Float) -> Tensor {
    precondition(shape == canvas.shape, "images \(shape), canvas \(canvas.shape)")
    let (rows, width) = (Int64(shape[0]), Int64(count / shape[0]))
    let (x, y) = (detached(), canvas.detached())
    let out = Tensor(uninitialized: [shape[0]])
    ck_bernoulli_log_likelihood(rows, width, x.pointer, y.pointer, epsilon, out.pointer)
    return out.recorded(from: canvas) { dy, inputs in
      inputs.accumulate(0, shape: y.shape) {
        ck_bernoulli_log_likelihood_gradient(rows, width, x.pointer, y.pointer, epsilon, dy.pointer, $0, $1)
      }
    }
  }

  /// sum of x log p + (1 - x) log(1 - p) with p = sigmoid(logits), over all axes but the first: images [batch, ...] ->
  /// [batch].
  ///
  /// Computed as x logit - softplus(logit), which stays accurate for large logits, where a canvas would have to be
  /// clipped. Gray pixels are soft targets.
  public func bernoulliLogLikelihood(logits: Tensor) -> Tensor {
    precondition(shape == logits.shape, "images \(shape), logits \(logits.shape)")
    let (rows, width) = (Int64(shape[0]), Int64(count / shape[0]))
    let (x, l) = (detached(), logits.detached())
    let out = Tensor(uninitialized: [shape[0]])
    ck_bernoulli_logit_likelihood(rows, width, x.pointer, l.pointer, out.pointer)
    return out.recorded(from: logits) { dy, inputs in
      inputs.accumulate(0, shape: l.shape) {
        ck_bernoulli_logit_likelihood_gradient(rows, width, x.pointer, l.pointer, dy.pointer, $0, $1)
      }
    }
  }
}
