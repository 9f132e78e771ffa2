import Configuration
import Models
import Testing

@testable import Experiments

/// A model that is named after a paper is that paper's model, or is refused.
struct PaperModelTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let lacking = [
    ("air-asr", "[]", "'model.name' is 'air-asr', but regularizers has no 'count' or 'overlap'"),
    ("air-asr", "[{ name: kl_weights, window: 2 }]", "or train the model without it as air-pprior"),
    ("dm-vae", "[]", "'model.name' is 'dm-vae', but regularizers has no 'information'"),
    ("dm-vae", "[{ name: balance }]", "with gamma: 0 it is left out of the loss"),
  ]

  private func config(_ model: String, _ regularizers: String) throws -> String {
    let text = "model: { name: \(model) }\nregularizers: \(regularizers)\ntraining: { steps: 1 }\n"
    return try folder.write(text.utf8, to: "c.yaml")
  }

  @Test(arguments: lacking)
  func whatAPaperHasIsNamedOrTheModelIsRefused(model: String, regularizers: String, words: String) throws {
    let path = try config(model, regularizers)
    for work in [
      { _ = try ConfigReading.verdict(path, row: nil, []) },
      {
        _ = try Runner.train(
          config: path, overrides: [], base: self.folder.path, name: nil, dataFolder: "/dev/null")
      },
      {
        let text = "base: c.yaml\nrows: { a: { training.batch: 3 } }\n"
        _ = try Experiment(try self.folder.write(text.utf8, to: "e.yaml"))
      },
    ] as [() throws -> Void] {
      let found = complaint(of: work)
      #expect(found.contains(words) && found.contains("c.yaml:1:"), "\(found)")
    }
    // Runs of earlier versions stay readable.
    #expect(try Runner.check(path, []).model.name == model)
  }

  @Test(arguments: [
    ("air-asr", "[{ name: count, counts: [1, 2] }]"), ("dm-vae", "[{ name: information, gamma: 0 }]"),
    ("air-pprior", "[]"), ("discrete-air", "[]"), ("air", "[]"), ("mvae", "[]"),
  ])
  func theModelsOfThePapersAndTheirAblationsAreFine(model: String, regularizers: String) throws {
    let overrides = model == "mvae" ? ["dataset.name=multi-dsprites", "estimator.name=marginal"] : []
    #expect(try ConfigReading.verdict(try config(model, regularizers), row: nil, overrides).hasSuffix(": fine"))
  }
}
