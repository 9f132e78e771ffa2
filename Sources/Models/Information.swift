import Configuration
import Inference
import Tensors

/// DM-VAE's information term: the slot must be recoverable from the patches that it generates.
/// Min et al. 2020, eq. (8) and (9).
///
/// The penalty is -gamma E_(k, eps ~ p(eps | m_k)) log q(slot = k | g(eps, m_k)). Minimizing it maximizes a lower bound
/// on the mutual information between a patch and its slot (up to a constant). The gradient reaches the generator, the
/// noise prior, the memory and the address network.
struct Information: Regularizer {
  struct Config: RegularizerConfig {
    var gamma = 1.0
    var patchesPerSlot = 4

    static let fields: [Field<Config>] = [
      .number("gamma", \.gamma, in: 0...1e6, "weight of the term"),
      .integer("patches_per_slot", \.patchesPerSlot, in: 1...4096, "patches drawn from every slot in a step"),
    ]

    func obstacle(in model: Choice) -> String? {
      let appearance = (model.config as? RecurrentSceneModel.Config)?.appearance.name
      guard appearance != "memory" else { return nil }
      return "'information' is about memory slots, which model '\(model.name)' has none of"
        + (appearance == nil ? "" : "; set model.appearance.name to memory, or leave the regularizer out")
    }
  }

  private let config: Config
  private let memory: MemoryAppearance

  /// Throws `ConfigurationError` for a model without memory.
  init(_ config: Config, _ model: any SceneModel) throws {
    guard let memory = (model as? RecurrentSceneModel)?.appearance as? MemoryAppearance else {
      throw ConfigurationError("regularizers: 'information' needs memory slots, which this model has none of", at: nil)
    }
    (self.config, self.memory) = (config, memory)
  }

  func penalty(on pass: Pass, drawing draw: Draw) -> Penalty {
    let shape = [memory.categories * config.patchesPerSlot, memory.attributes]
    let information = memory.recoverability(draw.normals("information", shape))
    return Penalty("information", batch: information.scaled(by: -Float(config.gamma)))
  }
}
