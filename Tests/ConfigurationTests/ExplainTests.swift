import Configuration
import Testing

struct ExplainTests {
  let folder: Folder

  init() throws {
    folder = try Folder([
      "base.yaml":
        "model: { name: air, steps: 7 }\ntraining:\n  steps: 100\n  rate: { schedule: exponential, from: 1 }",
      "top.yaml": "extends: base.yaml\ntraining: { steps: 200 }",
      "other.yaml": "extends: top.yaml\nmodel: { name: mvae }",
    ])
  }

  func explain(_ key: String, _ file: String = "top.yaml", _ overrides: String...) throws -> String {
    let text = try folder.load(file, overrides: overrides).explain(key)
    return text.replacingOccurrences(of: folder.path + "/", with: "")
  }

  @Test func aKeyShowsWhatItReplaced() throws {
    #expect(
      try explain("training.steps", "top.yaml", "training.steps=3e2") == """
        training.steps: 300
          meaning: updates
          expects: integer, 1 or more
          set by:  override 'training.steps=3e2'
          replaces 200 of top.yaml:2:20
          replaces 100 of base.yaml:3:10
          replaces 10000, the default
        """)
  }

  @Test func aDefaultSaysSo() throws {
    #expect(
      try explain("model.window.scale") == """
        model.window.scale: isotropic
          meaning: one scale for both axes, or one each
          expects: one of isotropic, anisotropic
          set by:  default
        """)
  }

  @Test func aSectionShowsOneLineAKey() throws {
    #expect(
      try explain("model.appearance", "top.yaml", "model.appearance.encoder=[9]") == """
        model.appearance.name: gaussian  # default
        model.appearance.size: 40        # default
        model.appearance.encoder: [9]    # override 'model.appearance.encoder=[9]'
        """)
    #expect(try explain("").split(separator: "\n").count == 17)
  }

  @Test func droppedKeysAreShown() throws {
    let dropped = "model.steps: 7  # base.yaml:1:28, dropped by other.yaml:2:16 ('mvae')"
    #expect(try explain("model", "other.yaml").hasSuffix("\n" + dropped))
    #expect(try explain("model.steps", "other.yaml") == dropped)
  }

  @Test func theNameShowsItsDefault() throws {
    #expect(
      try explain("model.name", "other.yaml") == """
        model.name: mvae
          meaning: the model
          set by:  other.yaml:2:16
          replaces air of base.yaml:1:16
          replaces air, the default
        """)
  }

  @Test func partsOfAValueShowTheirLayers() throws {
    let text = try explain("training.rate", "top.yaml", "training.rate.to=0.5")
    #expect(text.contains("\n           from by base.yaml:4:40\n           to by override 'training.rate.to=0.5'"))
  }

  @Test func severalFormsAreNamed() throws {
    #expect(try explain("training.rate").contains("\n  expects: number, 0 or more; or a section\n"))
  }

  @Test func unknownKeysAreRefused() {
    #expect { try explain("training.setps") } throws: {
      "\($0)".hasPrefix("unknown key 'setps' in training; did you mean 'steps'?")
    }
    #expect { try explain("training.steps.x") } throws: { "\($0)" == "'training.steps' has no keys of its own" }
  }

  @Test func theTreeKnowsWhereEachValueWasSet() throws {
    let tree = try load("training:\n  steps: 5\n", "counts={1: 1}").tree
    #expect(tree["training"]?["steps"]?.place.description == "x.yaml:2:10")
    #expect(tree["training"]?["note"]?.place == .defaults)
    #expect(tree["counts"]?["1"]?.place.description == "override 'counts={1: 1}'")
  }
}
