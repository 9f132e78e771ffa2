import Configuration

/// All models, one entry each. Models of the AIR family share the config of `RecurrentSceneModel`, with other defaults.
public let models = Registry<ModelContext, any SceneModel>(
  "model",
  [
    .entry("air", "Attend, Infer, Repeat (Eslami et al. 2016)", defaults: .air) { try RecurrentSceneModel($0, $1) },
    .entry("dair", "AIR whose controller sees what is left to explain", defaults: .dair) {
      try RecurrentSceneModel($0, $1)
    },
    .entry("discrete-air", "AIR of categories and attributes (Wang et al. 2019)", defaults: .discreteAIR) {
      try RecurrentSceneModel($0, $1)
    },
    .entry("dm-vae", "AIR with a memory of what objects look like (Min et al. 2020)", defaults: .dmVAE) {
      try RecurrentSceneModel($0, $1)
    },
    .entry("air-pprior", "AIR with a learned recurrent prior (Xu et al. 2019)", defaults: .airPPrior) {
      try RecurrentSceneModel($0, $1)
    },
    .entry(
      "air-asr", "AIR-pPrior with the regularizer count or overlap, which the config names (Xu et al. 2019)",
      defaults: .airPPrior
    ) { try RecurrentSceneModel($0, $1) },
    .entry("mvae", "many objects at once, from the places of a grid (Nash et al. 2017)", defaults: MVAE.Config()) {
      try MVAE($0, $1)
    },
    .entry("vae", "one code for the whole scene, the baseline of mvae", defaults: VAE.Config()) { try VAE($0, $1) },
  ])

extension RecurrentSceneModel.Config {
  static let air = RecurrentSceneModel.Config()

  static let dair: RecurrentSceneModel.Config = {
    var config = RecurrentSceneModel.Config()
    config.controller.input = .difference
    return config
  }()

  /// Windows rotate, so that a template does not need to represent every angle.
  static let discreteAIR: RecurrentSceneModel.Config = {
    var config = RecurrentSceneModel.Config.dair
    config.appearance = appearances.choice("category")
    config.window.rotation = .pi
    return config
  }()

  /// The information term of DM-VAE is a regularizer, which the config of the run adds.
  static let dmVAE: RecurrentSceneModel.Config = {
    var config = RecurrentSceneModel.Config()
    config.appearance = appearances.choice("memory")
    config.window.scale = .anisotropic
    config.likelihood = likelihoods.choice("bernoulli")
    return config
  }()

  /// AIR-ASR is this model with the regularizer `count` or `overlap`, which the config of the run adds.
  static let airPPrior: RecurrentSceneModel.Config = {
    var config = RecurrentSceneModel.Config()
    config.prior = scenePriors.choice("recurrent")
    config.appearance.config = GaussianAppearance.Config(size: 50, encoder: [512, 256], decoder: [256, 512])
    config.likelihood = likelihoods.choice("bernoulli")
    return config
  }()
}
