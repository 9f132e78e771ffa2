import Configuration
import Glibc
import Inference
import Layers
import Tensors

/// Keeps all categories (or memory slots) in use by pulling their mean posterior over a batch to the uniform prior.
///
/// The penalty is weight * KL(uniform || m) = -weight (log K + 1/K sum_k log m_k), where m_k is the mean of q(k) over
/// the objects that are present. At the optimum of the bound, the mean posterior equals the prior. Without this
/// penalty, early in training, a category that happens to explain all objects keeps them all, and the other categories
/// get no gradient from which they could learn. This regularizer is not in the papers. Its form is the second count
/// penalty of Xu et al. 2019, section 4.1.
struct Balance: Regularizer {
  struct Config: RegularizerConfig {
    var weight = Schedule(10)

    static let fields: [Field<Config>] = [
      .schedule("weight", \.weight, in: 0...1e6, "weight of the term; decrease to 0 once categories are distinguished")
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
    // The offset keeps the logarithm finite for an almost unused category, which still gets a gradient.
    let mean = (sums / objects).scaled(by: 1, plus: 1e-8)
    let divergence = mean.log().mean().scaled(by: -1, plus: -Float(log(Double(mean.count))))
    return Penalty("balance", batch: divergence.scaled(by: Float(config.weight.value(at: draw.progress))))
  }
}
