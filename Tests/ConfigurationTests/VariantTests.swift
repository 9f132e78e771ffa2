import Configuration
import Testing

/// Sections chosen by name, and the treatment of their keys when the name changes.
struct VariantTests {
  @Test func theEntryGivesTheDefaults() throws {
    #expect(try load("model: { name: discrete-air }").recurrent?.steps == 4)
    #expect(try load("model: { name: discrete-air }").recurrent?.appearance.name == "categorical")
    #expect(try load("model: { steps: 9 }").gaussian?.size == 40)
  }

  @Test func namingTheDefaultChangesNothing() throws {
    #expect(try load("model: { appearance: { name: gaussian, encoder: [7] } }").gaussian?.size == 40)
    #expect(try load("model: { name: discrete-air, appearance: { name: gaussian } }").gaussian?.size == 50)
  }

  @Test func unknownNameListsAllAndTheNearest() {
    #expect(
      fault("model:\n  name: aire\n")
        == "x.yaml:2:9: unknown model 'aire'; did you mean 'air'? (known: air, discrete-air, mvae)")
    #expect(fault("model: { name: [1] }").hasPrefix("x.yaml:1:16: 'model.name' must be one of air, discrete-air, mvae"))
  }

  @Test func keyOfAnotherEntryNamesItsOwners() {
    #expect(
      fault("model: { name: mvae, steps: 3 }")
        == "x.yaml:1:22: unknown key 'steps' in model 'mvae' (keys: name, slots); 'steps' is a key of 'air', 'discrete-air'"
    )
  }

  @Test func elementsOfAListNeedNames() {
    #expect(
      fault("regularizers: [{ weight: 2 }, { name: overlapp }, overlap]") == """
        x.yaml:1:16: 'regularizers[0]' needs a name (known: overlap, none)
        x.yaml:1:39: unknown regularizer 'overlapp'; did you mean 'overlap'? (known: overlap, none)
        x.yaml:1:51: 'regularizers[2]' must be a section chosen by its name, not the text 'overlap' \
        (for example { name: overlap })
        """)
    #expect(
      fault("regularizers: 3").hasSuffix(
        "must be a list, not the integer 3 (for example regularizers: [{ name: overlap }])"))
  }

  @Test func aNewNameDropsTheKeysOfTheOldOne() throws {
    let folder = try Folder([
      "base.yaml": "model: { name: air, steps: 7, window: { minimum: 0.3 } }",
      "top.yaml": "extends: base.yaml\nmodel: { name: mvae, slots: 3 }",
    ])
    let loaded = try folder.load("top.yaml")
    #expect((loaded.value.model.config as? MultiEntity)?.slots == 3)
  }

  @Test func aNewNameDropsKeysMeantForTheDefaultName() throws {
    let folder = try Folder([
      "base.yaml": "model: { appearance: { encoder: [3] } }",
      "top.yaml": "extends: base.yaml\nmodel: { appearance: { name: categorical } }",
    ])
    #expect(try folder.load("top.yaml").recurrent?.appearance.name == "categorical")
    #expect(try folder.load("base.yaml").gaussian?.encoder == [3])
  }

  @Test func presetsOfOneStructKeepWhatWasSet() throws {
    let folder = try Folder([
      "base.yaml": "model: { name: air, window: { minimum: 0.3 } }",
      "top.yaml": "extends: base.yaml\nmodel: { name: discrete-air }",
    ])
    let loaded = try folder.load("top.yaml")
    #expect(loaded.recurrent?.window.minimum == 0.3)
    #expect(loaded.recurrent?.steps == 4, "from the new preset")
  }

  @Test func presetsThatChangeAPartDropThatPartsKeys() throws {
    let folder = try Folder([
      "base.yaml": "model: { name: air, steps: 9, appearance: { encoder: [3] } }",
      "named.yaml": "model: { name: air, appearance: { name: gaussian, encoder: [3] } }",
      "top.yaml": "extends: base.yaml\nmodel: { name: discrete-air }",
      "top-named.yaml": "extends: named.yaml\nmodel: { name: discrete-air }",
    ])
    #expect(try folder.load("top.yaml").recurrent?.appearance.name == "categorical")
    #expect(try folder.load("top.yaml").recurrent?.steps == 9)
    #expect(try folder.load("top-named.yaml").gaussian?.encoder == [3], "a name that was set stays")
  }

  @Test func theSameNameAgainKeepsTheKeys() throws {
    #expect(try load("model: { name: mvae, slots: 3 }", "model.name=mvae").value.model.name == "mvae")
    let loaded = try load("model: { name: mvae, slots: 3 }", "model.name=mvae")
    #expect((loaded.value.model.config as? MultiEntity)?.slots == 3)
  }

  @Test func registryMakesWhatWasChosen() throws {
    #expect(try models.make(load("model: { steps: 8 }").value.model, 42) == "air 8 42")
    #expect(models.names == ["air", "discrete-air", "mvae"])
    #expect(appearances.choice("categorical").name == "categorical")
  }

  @Test func registryRefusesNamesItDoesNotHave() {
    #expect {
      try models.make(Choice(name: "ari", config: NoSettings()), 1)
    } throws: {
      "\($0)" == "unknown model 'ari'; did you mean 'air'? (known: air, discrete-air, mvae)"
    }
  }

  @Test func entriesWithoutKeysSaySo() {
    #expect(
      fault("regularizers: [{ name: none, weight: 1 }]")
        == "x.yaml:1:30: unknown key 'weight' in regularizers[0] 'none' (keys: name); 'weight' is a key of 'overlap'")
  }
}
