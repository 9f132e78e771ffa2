import Configuration
import Inference
import Layers
import Tensors
import TestKit
import Testing

@testable import Models

/// Recurrent models of 6 x 6 images that take a fraction of a millisecond.
enum Tiny {
  static let side = 6

  /// A preset with small parts; `change` says what is special about it.
  static func config(
    _ preset: RecurrentSceneModel.Config = .air, _ change: (inout RecurrentSceneModel.Config) -> Void = { _ in }
  ) -> RecurrentSceneModel.Config {
    var config = preset
    config.steps = 3
    config.glimpse = 4
    config.head = [6]
    config.controller.hidden = 5
    config.controller.presenceBias = 0.3
    config.window.scalePrior = NormalShare(mean: 0.6, deviation: 0.1)
    config.appearance.config = GaussianAppearance.Config(size: 2, encoder: [6], decoder: [6], outputBias: -0.5)
    change(&config)
    return config
  }

  /// Gives a model categories in the place of its appearance.
  static func categorize(
    _ config: inout RecurrentSceneModel.Config, _ combination: CategoryAppearance.Config.Combination = .additive,
    attributes: Int = 2, upsampling: [Int] = []
  ) {
    config.appearance = appearances.choice("category")
    config.appearance.config = CategoryAppearance.Config(
      categories: 3, attributes: attributes, encoder: [6], template: [6], upsampling: upsampling, modifier: [6],
      combination: combination, kernel: 3, outputBias: -0.5)
  }

  /// Gives a model a memory in the place of its appearance.
  static func memorize(_ config: inout RecurrentSceneModel.Config) {
    config.appearance = appearances.choice("memory")
    config.appearance.config = MemoryAppearance.Config(
      slots: 4, slotSize: 3, noise: 2, address: [6, 5], encoder: [6], prior: [6], generator: [6], outputBias: -0.5)
  }

  /// Gives a model a learned prior.
  static func remember(_ config: inout RecurrentSceneModel.Config) {
    config.prior = scenePriors.choice("recurrent")
    config.prior.config = RecurrentPrior.Config(hidden: 4, head: [5])
  }

  /// A model whose parameters were moved off their start, so that nothing is zero by symmetry.
  static func model(_ config: RecurrentSceneModel.Config, spread: Float = 0.3, seed: Int = 0) throws
    -> RecurrentSceneModel
  {
    let random = RandomStream(seed: seed)
    let model = try RecurrentSceneModel(
      config, ModelContext(channels: 1, height: side, width: side, random: random.child("start")))
    for parameter in model.store.parameters {
      let noise = random.child("spread").child(parameter.name).normals(parameter.shape)
      parameter.assign(parameter.tensor.detached() + noise.scaled(by: spread))
    }
    return model
  }

  /// Gray pixels, half of them blank.
  static func images(_ count: Int) -> Tensor {
    let values = Tensor.uniforms([count, 1, side, side], seed: 4)
    return values * (values - 0.5).isAbove(0)
  }
}

/// One combination of the skeleton's parts, by name.
struct Combination: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let config: RecurrentSceneModel.Config

  private init(
    _ name: String, _ preset: RecurrentSceneModel.Config = .air,
    _ change: (inout RecurrentSceneModel.Config) -> Void = { _ in }
  ) {
    testDescription = name
    config = Tiny.config(preset, change)
  }

  /// Those with a discrete node beside presence.
  static let categorical: [Combination] = [
    Combination("discrete-air", .discreteAIR) { Tiny.categorize(&$0) },
    Combination("category alone") { Tiny.categorize(&$0, attributes: 0) },
    Combination("multiplicative") { Tiny.categorize(&$0, .multiplicative) },
    Combination("convolutional") { Tiny.categorize(&$0, .convolutional) },
    Combination("upsampled") { Tiny.categorize(&$0, upsampling: [3, 2]) },
    Combination("memory", .dmVAE) {
      Tiny.memorize(&$0)
      $0.likelihood = likelihoods.choice("normal")
    },
    Combination("memory and difference", .discreteAIR) { Tiny.memorize(&$0) },
  ]

  /// The presets, and each part that differs from theirs on its own; then all of them together.
  static let chosen: [Combination] = [
    Combination("air"),
    Combination("dair", .dair),
    Combination("anisotropic") { $0.window.scale = .anisotropic },
    Combination("rotation") { $0.window.rotation = 1.2 },
    Combination("rotation and shear") { ($0.window.rotation, $0.window.shear) = (1.2, 0.5) },
    Combination("linear") { $0.window.linear = .full },
    Combination("refinement") { ($0.window.rotation, $0.window.refinement) = (0.7, [5]) },
    Combination("background") { $0.background = Tiny.background },
    Combination("bernoulli") { Tiny.darken(&$0) },
    Combination("embedding") { $0.controller.embedding = [7, 6] },
    Combination("embedded difference", .dair) { $0.controller.embedding = [7, 6] },
    Combination("no feedback") { $0.controller.feedback = false },
    Combination("glimpse of the difference") { $0.controller.glimpseSource = .difference },
    Combination("geometric") { $0.prior.config = IndependentPrior.Config(count: countPriors.choice("geometric")) },
    Combination("recurrent") { Tiny.remember(&$0) },
    Combination("recurrent and turned") {
      Tiny.remember(&$0)
      ($0.window.scale, $0.window.rotation) = (.anisotropic, 1.2)
    },
    Combination("all", .dair) {
      $0.window.scale = .anisotropic
      ($0.window.rotation, $0.window.shear, $0.window.linear) = (0.7, 0.3, .full)
      Tiny.darken(&$0)
      $0.controller.embedding = [6]
      $0.controller.glimpseSource = .difference
    },
  ]

  /// Every combination of controller input, glimpse source, feedback, embedding, window, likelihood and background.
  static var all: [Combination] {
    let windows: [(String, (inout WindowConfig) -> Void)] = [
      ("isotropic", { _ in }), ("anisotropic", { $0.scale = .anisotropic }), ("rotation", { $0.rotation = 1 }),
      ("shear", { $0.shear = 0.5 }), ("linear", { $0.linear = .full }),
      ("all", { ($0.scale, $0.rotation, $0.shear, $0.linear) = (.anisotropic, 1, 0.5, .full) }),
    ]
    var found: [Combination] = []
    for (name, window) in windows {
      for likelihood in likelihoods.names {
        for background in backgrounds.names {
          for bits in 0..<16 {
            func has(_ bit: Int) -> Bool { bits >> bit & 1 == 1 }
            found.append(
              Combination("\(name), \(likelihood), \(background), bits \(bits)", has(0) ? .dair : .air) {
                window(&$0.window)
                $0.likelihood = likelihoods.choice(likelihood)
                $0.background = background == "mlp" ? Tiny.background : backgrounds.choice(background)
                $0.controller.glimpseSource = has(1) ? .difference : .image
                $0.controller.feedback = has(2)
                $0.controller.embedding = has(3) ? [6] : []
              })
          }
        }
      }
    }
    return found
  }
}

extension Tiny {
  /// A Bernoulli likelihood with a background that keeps the canvas off the lower clip and objects so dark that none
  /// reaches the upper one, where the gradient is not the slope.
  static func darken(_ config: inout RecurrentSceneModel.Config) {
    config.likelihood = likelihoods.choice("bernoulli")
    config.background = Choice(name: "mlp", config: MLPBackground.Config(hidden: [6], outputBias: -3))
    config.appearance.config = GaussianAppearance.Config(size: 2, encoder: [6], decoder: [6], outputBias: -3)
  }

  static let background = Choice(name: "mlp", config: MLPBackground.Config(hidden: [6], outputBias: -1))
}

extension Pass {
  /// Logits and samples of the presences, one [batch] a step.
  var presences: [(logits: Tensor, sample: Tensor)] {
    terms.compactMap { term in
      guard term.node == "presence", case .bernoulli(let presence) = term.latent else { return nil }
      return (presence.logits, presence.sample)
    }
  }
}
