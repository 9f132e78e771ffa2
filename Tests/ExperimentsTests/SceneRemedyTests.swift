import Configuration
import Pictures
import Testing

@testable import Experiments

/// What is said where a dataset has too few scenes speaks of keys that its config has.
struct SceneRemedyTests {
  private func complaints(_ config: RunConfig) throws -> [String] {
    let bench = try workbench(config)
    return [
      complaint { _ = try bench.batches(from: 0) }, complaint { try bench.requireScenes(of: .validation) },
      complaint { try bench.requireScenes(of: .test) },
    ]
  }

  private func check(_ config: RunConfig, _ expected: [String]) throws {
    let found = try complaints(config)
    for (words, expected) in zip(found, expected) { #expect(words.contains(expected), "\(words)") }
    let keys = Set(encodeSection(config).entries?.first { $0.key == "dataset" }?.value.entries?.map(\.key) ?? [])
    for words in found {
      let named = words.matches(of: #/dataset\.(\w+)/#).map { String($0.1) }
      #expect(!named.isEmpty && Set(named).isSubset(of: keys), "\(words)")
    }
  }

  @Test func ofGeneratedScenesCountsAndSizesAreNamed() throws {
    try check(
      tiny("training.batch=61", "dataset.validation_size=0", "dataset.test_size=0"),
      ["lower training.batch or raise dataset.counts", "raise dataset.validation_size", "raise dataset.test_size"])
  }

  @Test func ofOwnImagesSharesAreNamed() throws {
    let folder = try TemporaryFolder()
    for index in 0..<4 {
      try folder.write(Picture(width: 16, height: 16, channels: 1, fill: UInt8(index)).png(), to: "\(index).png")
    }
    let dataset = "dataset={ name: images, path: \(folder.path), validation_share: 0, test_share: 0 }"
    try withExtendedLifetime(folder) {
      try check(
        tiny("training.batch=61", dataset),
        [
          "does not fit 4 training scenes; lower training.batch or add images, or lower dataset.validation_share",
          "raise dataset.validation_share", "raise dataset.test_share",
        ])
    }
  }
}
