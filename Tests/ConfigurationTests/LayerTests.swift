import Configuration
import Foundation
import Testing

/// `extends`, amendments and overrides.
struct LayerTests {
  @Test func theChainIsReadFromTheFolderOfEachFile() throws {
    let folder = try Folder([
      "root.yaml": "training: { steps: 1, note: root }",
      "models/base.yaml": "extends: ../root.yaml\ntraining: { steps: 2, resume: true }",
      "top.yaml": "extends: models/base.yaml\ntraining: { steps: 3 }",
    ])
    let training = try folder.load("top.yaml").value.training
    #expect(training.steps == 3)
    #expect(training.note == "root")
    #expect(training.resume)
  }

  @Test func listsAndCountsAreReplacedWhole() throws {
    let folder = try Folder([
      "base.yaml": "counts: { 0: 1, 1: 2 }\ntraining: { shares: [0.1, 0.2], tags: [x, y] }",
      "top.yaml": "extends: base.yaml\ncounts: { 4: 3 }\ntraining: { shares: [0.5] }",
    ])
    let config = try folder.load("top.yaml").value
    #expect(config.counts == [4: 3])
    #expect(config.training.shares == [0.5])
    #expect(config.training.tags == ["x", "y"])
  }

  @Test func faultsNameTheFileTheyStandIn() throws {
    let folder = try Folder([
      "base.yaml": "training:\n  setps: 1",
      "top.yaml": "extends: base.yaml\n\nmodel: { steps: 0 }",
    ])
    #expect(
      folder.fault("top.yaml") == """
        base.yaml:2:3: unknown key 'setps' in training; did you mean 'steps'? \
        (keys: steps, rate, resume, note, shares, tags)
        top.yaml:3:17: 'model.steps' is 0, outside its range: 1 to 100
        """)
  }

  @Test func circlesAreShown() throws {
    let folder = try Folder(["a.yaml": "extends: b.yaml", "b.yaml": "extends: ./a.yaml", "c.yaml": "extends: c.yaml"])
    #expect(folder.fault("a.yaml") == "b.yaml:1:10: 'extends' runs in a circle: a.yaml -> b.yaml -> a.yaml")
    #expect(folder.fault("c.yaml") == "c.yaml:1:10: 'extends' runs in a circle: c.yaml -> c.yaml")
  }

  @Test func missingFilesAreLocatedWhereTheyAreNamed() throws {
    let folder = try Folder(["a.yaml": "training: {}\nextends: no/b.yaml"])
    #expect(
      folder.fault("a.yaml")
        == "a.yaml:2:10: cannot read 'no/b.yaml': No such file or directory ('extends' is relative to the folder of this file)"
    )
    #expect(folder.fault("none.yaml") == "cannot read 'none.yaml': No such file or directory")
    #expect(folder.fault(".").hasSuffix("Is a directory"))
  }

  @Test func extendsIsOnePath() {
    #expect(fault("extends: [a, b]").hasPrefix("x.yaml:1:10: 'extends' must be text, not a list"))
    #expect(fault("extends: ''") == "x.yaml:1:10: 'extends' names no file")
  }

  @Test func overridesAreReadAsYAML() throws {
    let loaded = try load(
      "counts: { 0: 1 }", "counts={0: 10, 2: 10}", "model.appearance.encoder=[200]", "training.steps=5",
      "training.note=a=b: c", "training.resume=true", "training.rate=1e-3", "training.tags=[]")
    #expect(loaded.value.counts == [0: 10, 2: 10])
    #expect(loaded.gaussian?.encoder == [200])
    #expect(loaded.value.training.steps == 5)
    #expect(loaded.value.training.rate == .constant(1e-3))
    #expect(loaded.value.training.tags == [])
  }

  @Test func theLastOverrideOfAKeyCounts() throws {
    #expect(try load("", "training.steps=5", "training.steps=6").value.training.steps == 6)
    let loaded = try load("", "model.steps=5", "model={name: discrete-air}")
    #expect(loaded.recurrent?.steps == 5 && loaded.value.model.name == "discrete-air")
  }

  @Test func theOrderOfNameAndKeysDoesNotMatter() throws {
    let loaded = try load("model: { steps: 3 }", "model.slots=5", "model.name=mvae")
    #expect((loaded.value.model.config as? MultiEntity)?.slots == 5)
  }

  @Test(arguments: [
    (
      "training.setps=5",
      "unknown key 'setps' in training; did you mean 'steps'? (keys: steps, rate, resume, note, shares, tags)"
    ),
    ("training.steps=x", "'training.steps' must be an integer, not the text 'x' (for example steps: 1)"),
    ("training.steps=", "'training.steps' must be an integer, not an empty value (for example steps: 1)"),
    ("training.steps=0", "'training.steps' is 0, outside its range: 1 or more"),
    (
      "training.steps.x=1", "'training.steps' has no keys of its own: it is replaced whole (write training.steps=VALUE)"
    ),
    ("counts.2=10", "'counts' has no keys of its own: it is replaced whole (write counts=VALUE)"),
    (
      "regularizers[0].weight=1",
      "an element of a list is named by its number after a dot (write regularizers.0=VALUE)"
    ),
    ("regularizers.0=1", "'regularizers' has no element 0: the list is empty (write regularizers=[...])"),
    ("training.tags.1=b", "'training.tags' has no element 1: the list has one element, 0 (write training.tags=[...])"),
    (
      "training.tags.first=b",
      "'training.tags' is a list: name an element by its number (training.tags.0=VALUE), or write the whole list (training.tags=[...])"
    ),
    ("training", "must be key=value (for example training.steps=5000)"),
    ("=5", "must be key=value (for example training.steps=5000)"),
    ("training..steps=5", "'training..steps' is not a key: names joined by single dots (for example training.steps)"),
    ("extends=a.yaml", "'extends' is allowed in files only"),
    ("model.name=ari", "unknown model 'ari'; did you mean 'air'? (known: air, discrete-air, mvae)"),
  ])
  func faultsOfOverridesNameTheOverride(_ override: String, _ message: String) {
    #expect(fault("counts: { 1: 1 }", override) == "override '\(override)': \(message)")
  }

  @Test func brokenOverridesAreNamed() {
    #expect(fault("", "counts={0: 1").hasPrefix("override 'counts={0: 1': broken YAML: "))
  }

  @Test func faultsOfFileAndOverridesComeTogether() {
    #expect(
      fault("training: { steps: 0 }", "training.rate=x") == """
        x.yaml:1:20: 'training.steps' is 0, outside its range: 1 or more
        override 'training.rate=x': 'training.rate' must be a number, not the text 'x' (for example rate: 0.5)
        """)
    #expect(fault("a: [", "b").split(separator: "\n").count == 2)
  }

  @Test func amendmentsLieBetweenFileAndOverrides() throws {
    struct Table: Configurable {
      var rows = YAMLNode.map([])
      static let fields: [Field<Self>] = [Field("rows", \.rows, "overrides by name", coding: .yaml)]
    }
    let rows = try ConfigurationFile.load(
      Table.self,
      text: "rows:\n  A: { training: { steps: 2, note: row } }\n  B: { training: { steps: 0 } }\n  C: [1]\n",
      name: "table.yaml"
    ).value.rows
    let folder = try Folder(["a.yaml": "training: { steps: 1, note: file, resume: true }"])
    func load(_ row: String) throws -> Loaded<Config> {
      try folder.load("a.yaml", amendments: [try #require(rows[row])], overrides: ["training.note=last"])
    }
    #expect(try load("A").value.training.steps == 2)
    #expect(try load("A").value.training.note == "last")
    #expect(try load("A").value.training.resume)
    #expect { try load("B") } throws: {
      "\($0)" == "table.yaml:3:27: 'training.steps' is 0, outside its range: 1 or more"
    }
    #expect { try load("C") } throws: {
      "\($0)".hasPrefix("table.yaml:4:6: 'rows.C' must be a map of keys, not a list")
    }
  }

  @Test(arguments: [
    ("base.yaml", "configs/air/x.yaml", "configs/air/base.yaml"),
    ("../base.yaml", "configs/air/x.yaml", "configs/base.yaml"),
    ("../../b.yaml", "configs/x.yaml", "../b.yaml"), ("./b.yaml", "x.yaml", "b.yaml"), ("/a/./b", "c/x.yaml", "/a/b"),
    ("../b.yaml", "/etc/x.yaml", "/b.yaml"),
  ])
  func pathsAreRelativeToTheFolderOfTheFile(_ path: String, _ file: String, _ result: String) {
    #expect(ConfigurationFile.path(path, besides: file) == result)
  }
}
