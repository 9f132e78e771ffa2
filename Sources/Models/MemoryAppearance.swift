import Configuration
import Glibc
import Inference
import Layers
import Tensors

/// DM-VAE's appearance: a slot of a learned memory gives the type of an object, and noise gives its variation within
/// the type.  Min et al. 2020, sections III.A and IV.A.
///
/// The address is categorical with logits kappa cos(h_m(m_k), h_x(glimpse)). With m the content that was read, the
/// noise has the posterior q(eps | glimpse, m) and the learned prior p(eps | m). A relaxed address reads a mixture of
/// slots.
struct MemoryAppearance: Appearance {
  struct Config: DiscreteAppearanceConfig {
    var slots = 15
    var slotSize = 64
    var noise = 32
    var address = [256, 128]
    var encoder = [256, 128]
    var prior = [256, 128]
    var generator = [256, 128]
    var outputBias = -2.0

    static let fields: [Field<Config>] = [
      .integer("slots", \.slots, in: 2...4096, "number of memory slots"),
      .integer("slot_size", \.slotSize, in: 1...4096, "numbers in a slot"),
      .integer("noise", \.noise, in: 1...4096, "normal latents that distinguish objects of one slot"),
      .integers("address", \.address, in: 1...8192, "layers that embed glimpses and slots; the last is compared"),
      .integers("encoder", \.encoder, in: 1...8192, "hidden layers from glimpse and slot to noise"),
      .integers("prior", \.prior, in: 1...8192, "hidden layers from slot to the noise's prior"),
      .integers("generator", \.generator, in: 1...8192, "hidden layers from noise and slot to patch"),
      .number("output_bias", \.outputBias, in: -20...20, "added before the sigmoid: patches start dark"),
    ]

    var discreteNodes: [DiscreteNode] { [.categorical("slot", outcomes: slots)] }

    func problems() -> [Problem] {
      address.isEmpty ? [Problem(key: "address", "is empty; name at least one layer")] : []
    }
  }

  /// The smallest deviation of the noise prior. It keeps the KL from diverging.
  private static let leastDeviation: Float = 1e-3

  private let config: Config
  private let context: AppearanceContext
  private let memory: Parameter
  /// log kappa.
  private let sharpness: Parameter
  private let slotEmbedding: MLP
  private let glimpseEmbedding: MLP
  private let encoder: MLP
  private let prior: MLP
  private let generator: MLP

  init(_ config: Config, _ context: AppearanceContext) {
    self.config = config
    self.context = context
    let scope = context.scope
    let pixels = context.channels * context.side * context.side
    memory = scope.parameter("memory", [config.slots, config.slotSize], .uniform(1))
    sharpness = scope.parameter("sharpness", [1], .constant(log(10)))
    func embedding(_ name: String, of inputs: Int) -> MLP {
      MLP(
        inputs: inputs, hidden: Array(config.address.dropLast()), outputs: config.address.last ?? inputs,
        in: scope.child(name))
    }
    slotEmbedding = embedding("slot_embedding", of: config.slotSize)
    glimpseEmbedding = embedding("glimpse_embedding", of: pixels)
    encoder = MLP(
      inputs: pixels + config.slotSize, hidden: config.encoder, outputs: 2 * config.noise, in: scope.child("encoder"))
    prior = MLP(inputs: config.slotSize, hidden: config.prior, outputs: 2 * config.noise, in: scope.child("prior"))
    generator = MLP(
      inputs: config.noise + config.slotSize, hidden: config.generator, outputs: pixels, in: scope.child("generator"))
  }

  var fedSize: Int { config.slotSize + config.noise }
  var categories: Int { config.slots }
  var attributes: Int { config.noise }

  func explain(_ glimpses: Tensor, drawing draw: Draw, step: Int) -> ObjectAppearance {
    let pixels = glimpses.flattened()
    let slot = draw.categorical("slot", step: step, logits: addresses(of: pixels))
    let content = slot.sample.matrixProduct(memory.tensor)
    let code = encoder(.concatenating([pixels, content]))
    let expected = noisePrior(content)
    let noise = draw.normal(
      "noise", step: step, mean: code.columns(0..<config.noise),
      deviation: code.columns(config.noise..<2 * config.noise).softplus(), priorMean: expected.mean,
      priorDeviation: expected.deviation)
    return ObjectAppearance(
      patch: generate(noise.sample, content), fed: .concatenating([content, noise.sample]),
      latents: [("slot", .categorical(slot)), ("noise", .normal(noise))], category: slot.sample)
  }

  func patches(_ categories: Tensor, attributes: Tensor) -> Tensor {
    let content = categories.matrixProduct(memory.tensor)
    let expected = noisePrior(content)
    return generate(expected.mean + expected.deviation * attributes, content)
  }

  /// The mean over slots k and draws of log q(slot = k | patch from slot k), a scalar.  Min et al. 2020, eq. (8).
  ///
  /// It measures how well slots can be distinguished by the patches that they generate. `normals` is standard
  /// normal noise [slots * draws, noise], with the draws of slot 0 first.
  func recoverability(_ normals: Tensor) -> Tensor {
    let draws = normals.shape[0] / config.slots
    let slots = Tensor(shape: [config.slots * draws, config.slots]) { out in
      for row in 0..<config.slots * draws {
        for slot in 0..<config.slots { out[row * config.slots + slot] = row / draws == slot ? 1 : 0 }
      }
    }
    let patches = patches(slots, attributes: normals)
    return (slots * addresses(of: patches.flattened()).logSoftmax()).rowSums().mean()
  }

  /// Returns logits over slots [batch, slots] for glimpses [batch, pixels].
  private func addresses(of pixels: Tensor) -> Tensor {
    unit(glimpseEmbedding(pixels)).matrixProduct(unit(slotEmbedding(memory.tensor)), otherTransposed: true)
      * sharpness.tensor.exp()
  }

  private func noisePrior(_ content: Tensor) -> (mean: Tensor, deviation: Tensor) {
    let code = prior(content)
    return (
      code.columns(0..<config.noise),
      code.columns(config.noise..<2 * config.noise).softplus().scaled(by: 1, plus: Self.leastDeviation)
    )
  }

  private func generate(_ noise: Tensor, _ content: Tensor) -> Tensor {
    generator(.concatenating([noise, content])).scaled(by: 1, plus: Float(config.outputBias)).sigmoid()
      .reshaped([noise.shape[0], context.channels, context.side, context.side])
  }
}

/// Scales rows to length 1. Rows of zeros stay zero.
private func unit(_ rows: Tensor) -> Tensor {
  let squares = rows.squared().rowSums().scaled(by: 1, plus: 1e-12)
  return rows * squares.squareRoot().reciprocal().reshaped([rows.shape[0], 1])
}
