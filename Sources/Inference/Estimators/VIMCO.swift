import Configuration
import Glibc
import Layers
import Tensors

/// Variational inference for Monte Carlo objectives (VIMCO): the importance-weighted bound with S particles per image.
/// Mnih and Rezende 2016; Kosiorek 2017, section 5.3.
///
/// Let w_s = p(image, latents_s) / q(latents_s | image) be the importance weights at the samples (no analytic KLs). The
/// bound is L = log 1/S sum_s w_s. Its gradient is sum_s (L - L_(-s)) grad log q(discrete latents_s) + grad L along
/// paths, where L_(-s) is L with w_s replaced by the mean of the other weights (eq. (9) and (10)). Each particle thus
/// has the other particles as its baseline. Normal latents are reparametrized.
///
/// Penalties on images are not part of the bound. Their mean over the particles is added to the loss, and the baseline
/// of each particle is the mean of the other particles. Penalties on the batch treat all particles as one batch.
/// Reported terms are means over the particles.
public final class VIMCO: Estimator {
  public struct Config: Configurable {
    public enum Mean: String, CaseIterable, Sendable { case geometric, arithmetic }

    public var samples = 5
    public var leaveOneOut = Mean.geometric
    public init() {}
    public static let fields: [Field<Config>] = [
      .integer("samples", \.samples, in: 2...1024, "particles an image; a step takes as many times as long"),
      .choice(
        "leave_one_out", \.leaveOneOut, "the mean of the other particles' weights that replaces a particle's own"),
    ]
  }

  public let store = ParameterStore()
  public let rate: Schedule? = nil
  public let statistics: [Parameter] = []
  private let config: Config

  public init(_ config: Config = Config()) { self.config = config }

  public func estimate(_ model: any InferenceModel, _ images: Tensor, at step: Int, noise: EstimatorNoise) -> Estimate {
    let shape = [images.shape[0], config.samples]
    let pass = model.infer(
      images.repeatingRows(config.samples), drawing: noise.draw(.sampled, at: step, copies: config.samples))
    let weights = pass.logWeight.reshaped(shape)
    let bound = weights.logSumExp() - Float(log(Double(config.samples)))
    let penalties = pass.penaltyOfImages?.reshaped(shape)
    var objective = -bound
    if let penalties { objective = objective + meanOfParticles(penalties) }
    var estimate = Estimate(pass, losses: [])
    if let logProbability = pass.logProbability?.reshaped(shape) {
      let signals = Self.signals(weights, config.leaveOneOut)
      objective = objective - (signals * logProbability).rowSums()
      if let penalties {
        objective = objective + meanOfParticles(Self.excesses(penalties) * logProbability)
      }
      let square = signals.sumOfSquares() / Double(signals.count)
      estimate.diagnostics.append(("signal_deviation", square.squareRoot()))
    }
    estimate.losses = [("objective", pass.loss(objective))]
    estimate.terms = estimate.terms.map { ($0.name, meanOfParticles($0.value.reshaped(shape))) }
    estimate.terms.append(("iw_nelbo", -bound.detached()))
    return estimate
  }

  private func meanOfParticles(_ values: Tensor) -> Tensor { values.rowSums().scaled(by: 1 / Float(config.samples)) }

  /// L - L_(-s) for log importance weights [batch, S], without gradients.
  static func signals(_ logWeights: Tensor, _ mean: Config.Mean) -> Tensor {
    let (count, values) = (logWeights.columns, logWeights.array().map(Double.init))
    return Tensor(shape: logWeights.shape) { out in
      for start in stride(from: 0, to: values.count, by: count) {
        let own = Array(values[start..<start + count])
        let bound = logSumExp(own)
        for particle in 0..<count {
          var others = own
          others.remove(at: particle)
          let stand: Double
          switch mean {
          case .geometric: stand = others.reduce(0, +) / Double(count - 1)
          case .arithmetic: stand = logSumExp(others) - log(Double(count - 1))
          }
          out[start + particle] = Float(bound - logSumExp(others + [stand]))
        }
      }
    }
  }

  /// Each value minus the mean of the other values in its row, without gradients.
  private static func excesses(_ values: Tensor) -> Tensor {
    let values = values.detached()
    let count = Float(values.columns)
    // x_s - (sum - x_s) / (S - 1) = (S x_s - sum) / (S - 1).
    return (values.scaled(by: count) - values.rowSums().reshaped([values.shape[0], 1])).scaled(by: 1 / (count - 1))
  }

  private static func logSumExp(_ values: [Double]) -> Double {
    let largest = values.max() ?? 0
    return largest + log(values.reduce(0) { $0 + exp($1 - largest) })
  }
}
