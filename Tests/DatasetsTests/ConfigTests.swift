import Configuration
import Datasets
import Testing

/// A config with nothing but its dataset.
private struct OnlyDataset: Configurable {
  var dataset = datasets.choice("multi-mnist")

  static let fields: [Field<Self>] = [.variant("dataset", \.dataset, in: datasets, "what the scenes show")]
}

struct ConfigTests {
  private func load(_ dataset: String) throws -> Choice {
    try ConfigurationFile.load(OnlyDataset.self, text: "dataset: \(dataset)\n", name: "test.yaml").value.dataset
  }

  private func fault(_ dataset: String) throws -> String {
    let error = #expect(throws: ConfigurationError.self) { try load(dataset) }
    return try #require(error).description
  }

  @Test func everyKeyIsReadAndWrittenBack() throws {
    let choice = try load(
      """
      { name: multi-mnist, seed: 3, side: 60, counts: { 1: 10, 4: 20 }, overlap: strokes, validation_size: 5,
        test_size: 1000, digit: { kind: tight, scale: 0.6, ratio: { mean: 1.2, deviation: 0 } },
        background: { name: texture, high: 0.2, wavelength: 8 } }
      """)
    let config = try #require(choice.config as? MultiMNIST.Config)
    #expect(config.seed == 3 && config.side == 60 && config.counts == [1: 10, 4: 20] && config.overlap == .strokes)
    #expect(config.validationSize == 5 && config.testSize == 1000)
    #expect(config.digit.kind == .tight && config.digit.scale == 0.6 && config.digit.ratio.mean == 1.2)
    #expect(config.background.name == "texture")
    let written = ConfigurationFile.encode(OnlyDataset(dataset: choice))
    let again = try ConfigurationFile.load(OnlyDataset.self, text: written, name: "again.yaml").value
    #expect(ConfigurationFile.encode(again) == written)
    for key in ["high: 0.2", "wavelength: 8", "kind: tight"] { #expect(written.contains(key)) }
  }

  @Test func shapesAreAList() throws {
    let choice = try load("{ name: multi-sprites, shapes: [heart, ellipse], diameter: { smallest: 10 } }")
    let config = try #require(choice.config as? MultiSprites.Config)
    #expect(config.shapes == [.heart, .ellipse] && config.diameter.smallest == 10 && config.diameter.largest == 22)
    #expect(try MultiSprites(config).classNames == ["heart", "ellipse"])
  }

  @Test func faultsNameTheirPlaceAndKey() throws {
    #expect(try fault("{ name: multi-mnist, side: 20 }").hasPrefix("test.yaml:1:"))
    #expect(try fault("{ name: multi-mnist, side: 20 }").contains("smaller than a digit's frame of up to 28 pixels"))
    #expect(try fault("{ name: multi-mnist, counts: { 1: 0 } }").contains("'dataset.counts' has no scenes"))
    #expect(try fault("{ name: multi-mnist, digit: { kind: whole } }").contains("native"))
    #expect(try fault("{ name: multi-sprites, shapes: [square, star] }").contains("star"))
    #expect(try fault("{ name: multi-mnist, background: { name: noise } }").contains("texture"))
  }
}
