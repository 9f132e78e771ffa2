import Configuration
import Datasets
import Inference
import Models
import Tensors
import Testing

@testable import Experiments

/// What every entry of the registries must do.
struct ConformanceTests {
  /// A config of these names with every size of model and estimator at most 8, on small generated scenes.
  private func small(model: String, estimator: String, testScenes: Int = 2000) throws -> RunConfig {
    // As many places as objects take larger images.
    let side = model == "mvae" ? 32 : 16
    let text = """
      model: { name: \(model) }
      estimator: { name: \(estimator)\(estimator == "enumerate" ? ", limit: 100000" : "") }
      dataset:
        { name: multi-sprites, side: \(side), counts: { 0: 10, 1: 10, 2: 10 }, diameter: { smallest: 5, largest: 7 },
          test_size: \(testScenes) }
      training: { batch: 6, threads: 1 }
      """
    let defaults = try ConfigurationFile.load(RunConfig.self, text: text, name: "small.yaml").tree
    let sizes = ["model", "estimator"].compactMap { key in defaults[key].map { (key, shrunk($0)) } }
    return try ConfigurationFile.load(RunConfig.self, text: text, name: "small.yaml", amendments: [.map(sizes)]).value
  }

  /// The same section with no whole number above 8, but for the steps of schedules and the number of outcomes.
  private func shrunk(_ node: YAMLNode) -> YAMLNode {
    if let number = node.scalar.flatMap({ Int($0) }) { return .integer(min(number, 8)) }
    if let elements = node.elements { return .list(elements.map(shrunk)) }
    guard let entries = node.entries, node["schedule"] == nil else { return node }
    return .map(entries.map { ($0.key, $0.key == "limit" ? $0.value : shrunk($0.value)) })
  }

  @Test(arguments: models.names, estimators.names)
  func everyModelTrainsWithEveryEstimatorAndComesBackFromACheckpoint(_ model: String, _ estimator: String) throws {
    let config = try small(model: model, estimator: estimator)
    let bench = try workbench(config)
    #expect(bench.config.model.name == model && bench.config.estimator.name == estimator)
    let batches = try BatchLoader(bench.dataset, batch: config.training.batch, seed: 0)
    let start = bench.values
    for step in 0..<4 {
      let estimate = bench.train(on: batches.next().images, at: step)
      #expect(estimate.losses.allSatisfy { $0.value.count == 1 } && estimate.loss.scalar.isFinite)
      for (name, value) in estimate.terms {
        #expect(value.shape == [config.training.batch] && value.array().allSatisfy(\.isFinite), "\(name)")
      }
    }
    let reached = bench.values
    #expect(reached.values.allSatisfy { $0.allSatisfy(\.isFinite) })
    let still = bench.parameters.map { "parameters/\($0.name)" }.filter { reached[$0] == start[$0] }
    #expect(still.isEmpty, "parameters that no step moved")

    let folder = try TemporaryFolder()
    let path = "\(folder.path)/checkpoint.safetensors"
    try Checkpoint.write(bench, step: 4, to: path)
    let other = try workbench(config)
    #expect(other.values == start)
    #expect(try Checkpoint.restore(other, from: path).step == 4)
    #expect(other.values == reached)

    let images = batches.next().images
    let (next, same) = (bench.train(on: images, at: 4), other.train(on: images, at: 4))
    #expect(next.loss.scalar == same.loss.scalar && bench.values == other.values)
    #expect(bench.values != reached)
  }

  @Test(arguments: models.names) func everyModelExplainsEachImageWithoutChangingItself(_ model: String) throws {
    let bench = try workbench(try small(model: model, estimator: estimators.names[0]))
    try bench.dataset.prepare(.test)
    let batch = Batch(bench.dataset, .test, indices: Array(0..<5))
    let before = bench.values
    let explanation = bench.model.explain(batch.images)
    #expect(explanation.scenes.count == 5 && explanation.reconstruction.shape == batch.images.shape)
    #expect(explanation.reconstruction.array().allSatisfy { $0.isFinite })
    #expect(explanation.scenes.allSatisfy { $0.count <= bench.model.contextShape.steps })
    #expect(bench.model.explain(batch.images).scenes == explanation.scenes && bench.values == before)
    for latent in explanation.latents {
      #expect(latent.values.count == 5 * latent.steps * latent.size && latent.values.allSatisfy(\.isFinite))
    }
    #expect(Set(explanation.latents.map(\.name)).count == explanation.latents.count)
  }

  @Test(arguments: models.names) func everyModelGeneratesScenesOfItsShapeWithoutChangingItself(_ model: String) throws {
    let bench = try workbench(try small(model: model, estimator: estimators.names[0]))
    let before = bench.values
    let objects = min(2, bench.model.contextShape.steps)
    let scenes = bench.model.generate(6, objects: objects, random: RandomStream(seed: 1))
    #expect(scenes.reconstruction.shape == [6, 1, bench.dataset.height, bench.dataset.width])
    #expect(scenes.scenes.allSatisfy { $0.count == ($0.namesObjects ? objects : 0) })
    #expect(scenes.reconstruction.array().allSatisfy(\.isFinite) && bench.values == before)
  }

  @Test func everyScoreOfEveryModelIsAColumnAndEveryColumnAScoreOfSomeModel() throws {
    var found: Set<String> = ["parameters"]
    for model in models.names {
      let config = try small(model: model, estimator: estimators.names[0], testScenes: 12)
      let result = try Evaluator(try workbench(config)).evaluate(.test, importanceSamples: 1, dividesScenes: true)
      found.formUnion(result.scores.map(\.name))
    }
    #expect(found.subtracting(ExperimentFile.known).isEmpty && Set(ExperimentFile.known).subtracting(found).isEmpty)
    #expect(Set(ExperimentFile.known).count == ExperimentFile.known.count)
  }

  @Test func everyModelDatasetAndEstimatorHasAConfigThatNamesIt() throws {
    let configs = try yamlFiles(below: "configs").map { try Runner.check("\(repository)/\($0)", []) }
    for name in models.names { #expect(configs.contains { $0.model.name == name }, "the model '\(name)'") }
    for name in datasets.names { #expect(configs.contains { $0.dataset.name == name }, "the dataset '\(name)'") }
    for name in estimators.names { #expect(configs.contains { $0.estimator.name == name }, "the estimator '\(name)'") }
  }
}
