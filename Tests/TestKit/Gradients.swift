import Tensors
import Testing

/// Expects the gradients of sum(output * random cotangent) to match central differences.
///
/// The differences use the fourth-order formula with four points: each element of each input is moved by one and two
/// steps in both directions. The step is a power of two, so that inputs near 1 move exactly. Outputs are weighted and
/// summed in double precision. Functions must be smooth within two steps of the inputs.
///
/// If an input is used a second time, outside the function, both gradients must be added, whichever of the two uses
/// backpropagation reaches first.
public func expectGradients(
  of function: ([Tensor]) -> Tensor, at inputs: [Tensor], step: Float = 0x1p-6, absolute: Double = 2e-4,
  relative: Double = 1e-3, _ comment: @autoclosure () -> String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let parameters = inputs.enumerated().map { Parameter("input \($0)", $1) }
  expectGradients(
    of: { function(parameters.map(\.tensor)) }, for: parameters, step: step, absolute: absolute, relative: relative,
    comment(), sourceLocation: sourceLocation)
}

/// The same for a function of one tensor.
public func expectGradient(
  of function: (Tensor) -> Tensor, at input: Tensor, step: Float = 0x1p-6, absolute: Double = 2e-4,
  relative: Double = 1e-3, _ comment: @autoclosure () -> String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  expectGradients(
    of: { function($0[0]) }, at: [input], step: step, absolute: absolute, relative: relative, comment(),
    sourceLocation: sourceLocation)
}

/// The same for a function that reads parameters. The parameters' values are restored afterwards.
public func expectGradients(
  of function: () -> Tensor, for parameters: [Parameter], step: Float = 0x1p-6, absolute: Double = 2e-4,
  relative: Double = 1e-3, _ comment: @autoclosure () -> String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let output = function()
  let cotangent = RandomStream(seed: 1).child("cotangent").normals(output.shape)
  let computed = gradients(of: (output * cotangent).sum(), for: parameters)
  expectAddition(of: function, for: parameters, cotangent: cotangent, to: computed, comment(), sourceLocation)
  for (parameter, gradient) in zip(parameters, computed) {
    let before = parameter.tensor.array()
    let expected = before.indices.map { index in
      let values = [-2, -1, 1, 2].map { steps in
        var moved = before
        moved[index] += Float(steps) * step
        parameter.assign(Tensor(shape: parameter.shape, moved))
        return weightedSum(function(), cotangent)
      }
      return Float((values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * Double(step)))
    }
    parameter.assign(Tensor(shape: parameter.shape, before))
    expectClose(
      gradient, Tensor(shape: parameter.shape, expected), absolute: absolute, relative: relative,
      "\(comment().isEmpty ? "" : "\(comment()), ")gradient of \(parameter.name)", sourceLocation: sourceLocation)
  }
}

/// Expects gradients to be added if the parameters have a second use before or after the function.
private func expectAddition(
  of function: () -> Tensor, for parameters: [Parameter], cotangent: Tensor, to computed: [Tensor], _ comment: String,
  _ sourceLocation: SourceLocation
) {
  let others = parameters.indices.map {
    RandomStream(seed: 1).child("other use").at($0).normals(parameters[$0].shape)
  }
  func otherUse() -> Tensor {
    zip(parameters, others).map { ($0.tensor * $1).sum() }.reduce(Tensor(0)) { $0 + $1 }
  }
  let first = otherUse() + (function() * cotangent).sum()
  let last = (function() * cotangent).sum() + otherUse()
  for loss in [first, last] {
    for (index, found) in gradients(of: loss, for: parameters).enumerated() {
      expectClose(
        found, computed[index] + others[index], absolute: 1e-5, relative: 1e-4,
        "\(comment.isEmpty ? "" : "\(comment), ")gradient of \(parameters[index].name) beside another use",
        sourceLocation: sourceLocation)
    }
  }
}

/// The gradients of sum(output * cotangent).
public func pulledBack(_ cotangent: Tensor, from output: Tensor, to parameters: [Parameter]) -> [Tensor] {
  gradients(of: (output * cotangent).sum(), for: parameters)
}

private func weightedSum(_ values: Tensor, _ weights: Tensor) -> Double {
  zip(values.array(), weights.array()).reduce(0) { $0 + Double($1.0) * Double($1.1) }
}
