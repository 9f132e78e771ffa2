import Configuration
import Layers
import Tensors

/// The distribution of pixels given the canvas.
protocol Likelihood: Sendable {
  /// Returns log p(images | canvas) summed over pixels, [batch], in nats.
  ///
  /// `images` and `canvas` are [batch, channel, height, width]. `progress` determines the values of schedules.
  func logProbability(of images: Tensor, given canvas: Tensor, at progress: Progress) -> Tensor
}

/// All likelihoods, one entry each.
let likelihoods = Registry<Void, any Likelihood>(
  "likelihood",
  [
    .entry("normal", "independent normal pixels", defaults: NormalLikelihood()) { likelihood, _ in likelihood },
    .entry("bernoulli", "pixels as probabilities", defaults: BernoulliLikelihood()) { likelihood, _ in likelihood },
  ])

/// N(canvas, deviation^2) for every pixel, including the normalizing constant. The canvas may exceed 1.
struct NormalLikelihood: Likelihood, Configurable {
  var deviation = 0.3
  static let fields: [Field<NormalLikelihood>] = [
    .number("deviation", \.deviation, in: 0.001...10, "standard deviation of a pixel")
  ]
  func logProbability(of images: Tensor, given canvas: Tensor, at progress: Progress) -> Tensor {
    images.normalLogLikelihood(mean: canvas, deviation: Float(deviation))
  }
}

/// Bernoulli pixels, with the canvas clipped to [epsilon, 1 - epsilon] as probability. Gray pixels are soft targets.
struct BernoulliLikelihood: Likelihood, Configurable {
  var epsilon = Schedule(1e-6)
  static let fields: [Field<BernoulliLikelihood>] = [
    .schedule("epsilon", \.epsilon, in: 1e-12...0.1, "distance that probabilities keep from 0 and 1")
  ]
  func logProbability(of images: Tensor, given canvas: Tensor, at progress: Progress) -> Tensor {
    images.bernoulliLogLikelihood(canvas: canvas, epsilon: Float(epsilon.value(at: progress)))
  }
}
