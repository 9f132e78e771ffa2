import Configuration
import Glibc
import Inference
import Layers
import Tensors

/// Categories (or memory slots) are all used: their mean posterior over the objects of a batch stays near the uniform prior.
///
/// The loss gets weight * KL(uniform || m) = -weight (log K + 1/K sum_k log m_k), m_k the mean of q(k) over the objects that
/// are there. At the bound's optimum the mean posterior is the prior; early in a training, a category that happens to explain
/// all objects keeps them all, and the others get no gradient that would tell them what they could be. Not in the papers;
/// the form is that of air-asr.md's second count penalty.
struct Balance: Regularizer {
  struct Config: RegularizerConfig {
    var weight = Schedule(10)

    static let fields: [Field<Config>] = [
      .schedule("weight", \.weight, in: 0...1e6, "weight of the term; fall to 0 once categories are told apart")
    ]

    func obstacle(in model: Choice) -> String? {
      let appearance = (model.config as? RecurrentSceneModel.Config)?.appearance.name
      guard appearance != "category", appearance != "memory" else { return nil }
      return "'balance' is about categories or memory slots, which model '\(model.name)' has none of"
        + (appearance == nil ? "" : "; set model.appearance.name to category or memory, or leave the regularizer out")
    }
  }

  private let config: Config

  init(_ config: Config) { self.config = config }

  func penalty(on pass: Pass, drawing draw: Draw) -> Penalty {
    var sums: Tensor?
    var objects: Tensor?
    for term in pass.terms {
      guard case .categorical(let category) = term.latent else { continue }
      let mask = term.mask.detached().reshaped([1, term.mask.count])
      let sum = mask.matrixProduct(category.logits.softmax())
      sums = sums.map { $0 + sum } ?? sum
      objects = objects.map { $0 + mask.sum() } ?? mask.sum()
    }
    guard let sums, let objects, objects.scalar > 0 else { return Penalty("balance", batch: Tensor(0)) }
    // What is all but unused is kept from an infinite logarithm, and still gets a gradient.
    let mean = (sums / objects).scaled(by: 1, plus: 1e-8)
    let divergence = mean.log().mean().scaled(by: -1, plus: -Float(log(Double(mean.count))))
    return Penalty("balance", batch: divergence.scaled(by: Float(config.weight.value(at: draw.progress))))
  }
}
