import Configuration
import Testing

/// Single keys: the values they accept, and the messages for other values.
struct ValueTests {
  @Test func defaultsNeedNoFile() throws {
    let config = try load("").value
    #expect(config.training.steps == 10_000)
    #expect(config.model.name == "air")
    #expect(try load("# only a comment\n").value.counts == [0: 5, 1: 5])
  }

  @Test func everyKindOfValueIsRead() throws {
    let loaded = try load(
      """
      model: { name: air, steps: 5, window: { scale: anisotropic, minimum: 0.25, bias: 0.3 } }
      regularizers: [{ name: overlap, weight: 2 }, { name: none }]
      counts: { 0: 10, 2: 20 }
      training: { steps: 0x10, rate: 3e-4, resume: true, note: no, shares: [0, .5, 1], tags: [x, "1"] }
      """)
    #expect(loaded.recurrent?.steps == 5)
    #expect(loaded.recurrent?.window.scale == .anisotropic)
    #expect(loaded.recurrent?.window.minimum == 0.25)
    #expect(loaded.recurrent?.window.bias == 0.3)
    #expect(loaded.value.regularizers.map(\.name) == ["overlap", "none"])
    #expect((loaded.value.regularizers[0].config as? Overlap)?.weight == 2)
    #expect(loaded.value.counts == [0: 10, 2: 20])
    #expect(loaded.value.training.steps == 16)
    #expect(loaded.value.training.rate == .constant(3e-4))
    #expect(loaded.value.training.resume)
    #expect(loaded.value.training.note == "no")
    #expect(loaded.value.training.shares == [0, 0.5, 1])
    #expect(loaded.value.training.tags == ["x", "1"])
  }

  @Test func emptySectionsKeepTheirDefaults() throws {
    #expect(try load("training:\nmodel:\n").value.training.steps == 10_000)
  }

  @Test func misspeltKeyNamesTheNearestOne() {
    #expect(
      fault("training:\n  setps: 3\n") == """
        x.yaml:2:3: unknown key 'setps' in training; did you mean 'steps'? \
        (keys: steps, rate, resume, note, shares, tags)
        """)
    #expect(
      fault("trainig: 3") == """
        x.yaml:1:1: unknown key 'trainig' at the top level; did you mean 'training'? \
        (keys: model, regularizers, counts, training)
        """)
  }

  @Test func keyOfAnotherLevelIsFound() {
    #expect(fault("model: { minimum: 0.2 }").contains("did you mean 'model.window.minimum'?"))
  }

  @Test func unlikeKeysAreNotSuggested() {
    #expect(
      fault("zebra: 1")
        == "x.yaml:1:1: unknown key 'zebra' at the top level (keys: model, regularizers, counts, training)")
  }

  @Test(arguments: [
    ("steps: 0", "x.yaml:1:20: 'training.steps' is 0, outside its range: 1 or more"),
    (
      "steps: 99999999999999999999",
      "x.yaml:1:20: 'training.steps' is 99999999999999999999, outside its range: 1 or more"
    ),
    ("shares: [0.5, 2]", "x.yaml:1:27: 'training.shares[1]' is 2, outside its range: 0 to 1"),
    ("shares: [.nan]", "x.yaml:1:22: 'training.shares[0]' is .nan, outside its range: 0 to 1"),
    ("rate: 1e400", "x.yaml:1:19: 'training.rate' is 1e400, outside its range: 0 to 10"),
  ])
  func valueOutsideTheRangeIsShownWithIt(_ text: String, _ message: String) {
    #expect(fault("training: { \(text) }") == message)
  }

  @Test(arguments: [
    ("steps: many", 10, "'training.steps' must be an integer, not the text 'many' (for example steps: 1)"),
    ("steps: 1.5", 10, "'training.steps' must be an integer, not the number 1.5 (for example steps: 1)"),
    ("steps: '5'", 10, "'training.steps' must be an integer, not the text '5' (for example steps: 1)"),
    ("steps: 5.0", 10, "'training.steps' must be an integer, not the number 5.0 (write 5, without a decimal point)"),
    ("steps: [1]", 10, "'training.steps' must be an integer, not a list (for example steps: 1)"),
    ("steps: ", 9, "'training.steps' must be an integer, not an empty value (for example steps: 1)"),
    ("rate: x", 9, "'training.rate' must be a number, not the text 'x' (for example rate: 0.5)"),
    ("resume: yes", 11, "'training.resume' must be true or false, not the text 'yes' (for example resume: true)"),
    ("resume: 1", 11, "'training.resume' must be true or false, not the integer 1 (for example resume: true)"),
    ("note: 12", 9, "'training.note' must be text, not the integer 12 (for example note: \"12\")"),
    ("note: true", 9, "'training.note' must be text, not true (for example note: \"true\")"),
    ("note: {a: 1}", 9, "'training.note' must be text, not a map (for example note: \"...\")"),
    ("shares: 1", 11, "'training.shares' must be a list, not the integer 1 (for example shares: [0.5])"),
    ("tags: [1]", 10, "'training.tags[0]' must be text, not the integer 1 (for example \"1\")"),
  ])
  func valueOfAnotherTypeSaysWhatIsFoundAndExpected(_ text: String, _ column: Int, _ message: String) {
    #expect(fault("training:\n  \(text)\n") == "x.yaml:2:\(column): \(message)")
  }

  @Test func exactPowersOfTenAreIntegers() throws {
    #expect(try load("training: { steps: 25e3 }").value.training.steps == 25_000)
  }

  @Test func sectionsAreNotScalars() {
    #expect(
      fault("training: 5")
        == "x.yaml:1:11: 'training' must be a section, not the integer 5 (for example training: { steps: ... })")
    #expect(
      fault("model: mvae")
        == "x.yaml:1:8: 'model' must be a section chosen by its name, not the text 'mvae' (for example model: { name: mvae })"
    )
    #expect(fault("- 1").hasPrefix("x.yaml:1:1: expected a map of keys at the top level, found a list"))
  }

  @Test func choiceOutsideTheEnumerationListsAll() {
    #expect(
      fault("model: { window: { scale: isotropc } }")
        == "x.yaml:1:27: 'model.window.scale' is 'isotropc'; did you mean 'isotropic'? (choices: isotropic, anisotropic)"
    )
    #expect(
      fault("model: { window: { scale: [a] } }")
        == "x.yaml:1:27: 'model.window.scale' must be one of isotropic, anisotropic, not a list (for example scale: isotropic)"
    )
  }

  @Test func countsCheckKeysAndValues() {
    #expect(
      fault("counts: { 0: 1, x: 2, 12: 3, 4: -1, 00: 3 }") == """
        x.yaml:1:17: 'x' is not a key of 'counts': its keys are integers, 0 to 9
        x.yaml:1:23: '12' is not a key of 'counts': its keys are integers, 0 to 9
        x.yaml:1:33: 'counts.4' is -1, outside its range: 0 to 1000000
        x.yaml:1:37: 'counts' has the key 0 a second time
        """)
  }

  @Test func allFaultsAreReportedInTheOrderOfTheFile() {
    let text = fault("training: { steps: 0, setps: 1 }\nmodel: { name: air, steps: x }\nzebra: 1\n")
    #expect(
      text.split(separator: "\n").map { $0.prefix { $0 != " " } } == [
        "x.yaml:1:20:", "x.yaml:1:23:", "x.yaml:2:28:", "x.yaml:3:1:",
      ])
  }

  @Test func problemsBetweenValuesAreLocatedAtTheirKey() {
    #expect(
      fault("model:\n  window:\n    maximum: 0.5\n    minimum: 0.6\n")
        == "x.yaml:4:14: 'model.window.minimum' is 0.6, which must be less than maximum, 0.5")
    #expect(
      fault("model:\n  window: { maximum: 0.05 }\n")
        == "x.yaml:2:11: 'model.window.minimum' is 0.1, which must be less than maximum, 0.05")
  }

  @Test func laterFaultsAreLocatedToo() throws {
    let loaded = try load("model:\n  name: mvae\nregularizers: []\n")
    #expect("\(loaded.fault("regularizers", "need windows"))" == "x.yaml:3:15: 'regularizers' need windows")
    #expect("\(loaded.fault("training.steps", "are few"))" == "x.yaml:1:1: 'training.steps' are few")
  }
}
