import Testing

@testable import Configuration

/// Dotted keys that contain the number of a list element: `regularizers.0.weight=3`.
struct ListElementTests {
  private let text = """
    regularizers: [{ name: overlap, weight: 2 }, { name: none }]
    training: { shares: [0.1, 0.2, 0.3] }
    """

  private func weights(_ loaded: Loaded<Config>) -> [String] {
    loaded.value.regularizers.map { "\($0.name) \(($0.config as? Overlap)?.weight ?? -1)" }
  }

  @Test func anElementIsSetAndTheOthersStay() throws {
    #expect(try weights(load(text, "regularizers.0.weight=3")) == ["overlap 3.0", "none -1.0"])
    #expect(try load(text, "training.shares.1=0.5").value.training.shares == [0.1, 0.5, 0.3])
    #expect(try load(text, "training.shares.0=1", "training.shares.2=0").value.training.shares == [1, 0.2, 0])
    #expect(try load(text, "training.shares.0=1", "training.shares.0=0").value.training.shares == [0, 0.2, 0.3])
  }

  @Test func anElementMayGetAnotherName() throws {
    #expect(try weights(load(text, "regularizers.0.name=none")) == ["none -1.0", "none -1.0"])
    #expect(try weights(load(text, "regularizers.1={name: overlap, weight: 5}")) == ["overlap 2.0", "overlap 5.0"])
    #expect(try weights(load(text, "regularizers.1.weight=5", "regularizers.1.name=overlap"))[1] == "overlap 5.0")
  }

  @Test func elementsOfTheDefaultAreSet() throws {
    #expect(try load("", "training.tags.0=b").value.training.tags == ["b"])
    #expect(try load("", "model.appearance.encoder.0=300").gaussian?.encoder == [300])
  }

  @Test func theOrderOfListAndElementCounts() throws {
    #expect(try load(text, "training.shares=[1, 1]", "training.shares.1=0").value.training.shares == [1, 0])
    #expect(try load(text, "training.shares.1=0", "training.shares=[1, 1]").value.training.shares == [1, 1])
    #expect(try weights(load("", "regularizers=[{name: overlap}]", "regularizers.0.weight=7")) == ["overlap 7.0"])
  }

  @Test func eachLayerSetsElementsOfTheOneBelow() throws {
    let place = Place(.file("row.yaml"), line: 3, column: 5)
    let row = try [("training.shares.0", "1"), ("training.shares.1", "0.5")].map {
      try ConfigurationFile.layer(
        setting: $0, to: YAMLNode(.scalar($1, isPlain: true), at: place), at: place)
    }
    let folder = try Folder(["a.yaml": text, "b.yaml": "training: {}\n"])
    func shares(_ name: String) throws -> [Double] {
      try folder.load(name, amendments: row, overrides: ["training.shares.0=0.25"]).value.training.shares
    }
    #expect(try shares("a.yaml") == [0.25, 0.5, 0.3])
    #expect { try shares("b.yaml") } throws: {
      "\($0)"
        == "row.yaml:3:5: 'training.shares' has no element 1: the list has one element, 0 (write training.shares=[...])"
    }
  }

  @Test func theFaultOfAnElementNamesIt() {
    #expect(fault(text, "training.shares.1=2").hasSuffix("'training.shares[1]' is 2, outside its range: 0 to 1"))
    #expect(fault(text, "regularizers.0.weigth=2").contains("did you mean 'weight'?"))
    #expect(fault(text, "training.shares.1.a=2").contains("'training.shares[1]' has no keys of its own"))
    #expect(fault(text, "training.shares.1.5=0").contains("'training.shares[1]' has no keys of its own"))
    for key in ["3", "-1", "01", "x"] {
      #expect(fault(text, "training.shares.\(key)=0").contains("'training.shares'"), "\(key)")
    }
    #expect(fault(text, "training.shares.9223372036854775808=0").contains("is a list: name an element by its number"))
  }

  @Test func explainNamesWhoSetAnElement() throws {
    let loaded = try load(text, "regularizers.0.weight=3")
    #expect(
      try loaded.explain("regularizers").contains(
        "set by:  x.yaml:1:15\n           regularizers[0].weight by override 'regularizers.0.weight=3'"))
    #expect(
      try load("", "training.tags.0=b").explain("training.tags").hasSuffix(
        "set by:  default\n           training.tags[0] by override 'training.tags.0=b'"))
  }
}
