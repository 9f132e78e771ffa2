import Tensors
import Testing

/// Expects equal shapes and, for each element, |actual - expected| <= absolute + relative * |expected|.
///
/// NaN is close only to NaN, and an infinity only to itself.
public func expectClose(
  _ actual: Tensor, _ expected: Tensor, absolute: Double = 1e-6, relative: Double = 1e-5,
  _ comment: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  guard actual.shape == expected.shape else {
    Issue.record(
      "\(label(comment()))shape \(actual.shape), expected \(expected.shape)", sourceLocation: sourceLocation)
    return
  }
  expectClose(
    actual.array(), expected.array(), absolute: absolute, relative: relative, comment(), sourceLocation: sourceLocation)
}

/// The same for the elements of a tensor of any shape.
public func expectClose(
  _ actual: Tensor, _ expected: [Float], absolute: Double = 1e-6, relative: Double = 1e-5,
  _ comment: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  expectClose(
    actual.array(), expected, absolute: absolute, relative: relative, comment(), sourceLocation: sourceLocation)
}

/// The same for a list of numbers.
public func expectClose(
  _ actual: [Float], _ expected: [Float], absolute: Double = 1e-6, relative: Double = 1e-5,
  _ comment: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  guard actual.count == expected.count else {
    Issue.record(
      "\(label(comment()))\(actual.count) values, expected \(expected.count)", sourceLocation: sourceLocation)
    return
  }
  let wrong = actual.indices.filter {
    !isClose(Double(actual[$0]), Double(expected[$0]), absolute: absolute, relative: relative)
  }
  guard !wrong.isEmpty else { return }
  let examples = wrong.prefix(4).map { "[\($0)] is \(actual[$0]), expected \(expected[$0])" }
  let more = wrong.count > examples.count ? ", ..." : ""
  Issue.record(
    "\(label(comment()))\(wrong.count) of \(actual.count) values differ: \(examples.joined(separator: ", "))\(more)",
    sourceLocation: sourceLocation)
}

/// The same for a single number.
public func expectClose(
  _ actual: Double, _ expected: Double, absolute: Double = 1e-9, relative: Double = 1e-9,
  _ comment: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  guard !isClose(actual, expected, absolute: absolute, relative: relative) else { return }
  Issue.record("\(label(comment()))\(actual), expected \(expected)", sourceLocation: sourceLocation)
}

private func isClose(_ actual: Double, _ expected: Double, absolute: Double, relative: Double) -> Bool {
  if actual == expected || (actual.isNaN && expected.isNaN) { return true }
  return expected.isFinite && abs(actual - expected) <= absolute + relative * abs(expected)
}

private func label(_ comment: String) -> String { comment.isEmpty ? "" : "\(comment): " }
