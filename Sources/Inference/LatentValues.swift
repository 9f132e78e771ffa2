import Tensors

/// The values of one latent at every step of a pass, as plain numbers.
public struct LatentValues: Sendable {
  /// The node's name: "presence", "window", "appearance", ...
  public let name: String
  public let steps: Int
  /// The number of values per step.
  public let size: Int
  /// The values `[image, step, size]`, row-major.
  ///
  /// A continuous latent has its sample (its mean if the draw takes modes), a Bernoulli latent the probability of 1,
  /// and a categorical latent the probability of each outcome.
  public let values: [Float]

  /// The values of one step of one image.
  public subscript(image: Int, step: Int) -> ArraySlice<Float> {
    let start = (image * steps + step) * size
    return values[start..<start + size]
  }
}

extension Pass {
  /// The values of all latents, in the order in which their names first occur in the pass.
  public var latents: [LatentValues] {
    var names: [String] = []
    var found: [String: [Tensor]] = [:]
    for term in terms {
      if found[term.node] == nil { names.append(term.node) }
      found[term.node, default: []].append(term.latent.values)
    }
    return names.compactMap { name in
      guard let steps = found[name], let first = steps.first else { return nil }
      let (images, size) = (first.shape[0], first.shape[1])
      let arrays = steps.map { $0.array() }
      let values = (0..<images).flatMap { image in arrays.flatMap { $0[image * size..<(image + 1) * size] } }
      return LatentValues(name: name, steps: steps.count, size: size, values: values)
    }
  }
}

extension Term.Latent {
  /// `[batch, size]`.
  fileprivate var values: Tensor {
    switch self {
    case .normal(let normal): normal.sample.detached()
    case .bernoulli(let bernoulli): bernoulli.logits.detached().sigmoid().reshaped([bernoulli.logits.count, 1])
    case .categorical(let categorical): categorical.logits.detached().softmax()
    }
  }
}

extension LatentValues {
  /// Returns the values with those of more images appended. Requires the same name, steps and size.
  public func appending(_ other: LatentValues) -> LatentValues {
    precondition(
      name == other.name && steps == other.steps && size == other.size,
      "\(other.name) of \(other.steps) x \(other.size) numbers was appended to \(name) of \(steps) x \(size)")
    return LatentValues(name: name, steps: steps, size: size, values: values + other.values)
  }
}
