import Configuration

/// All models, one line each. Presets of the recurrent skeleton share its config and differ in its defaults.
public let models = Registry<ModelContext, any SceneModel>(
  "model",
  [
    .entry("air", "Attend, Infer, Repeat (Eslami et al. 2016)", defaults: .air) { try RecurrentSceneModel($0, $1) },
    .entry("dair", "AIR whose controller sees what is left to explain", defaults: .dair) {
      try RecurrentSceneModel($0, $1)
    },
  ])

extension RecurrentSceneModel.Config {
  static let air = RecurrentSceneModel.Config()

  static let dair: RecurrentSceneModel.Config = {
    var config = RecurrentSceneModel.Config()
    config.controller.input = .difference
    return config
  }()
}
