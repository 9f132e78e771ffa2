import Foundation
import Testing

@testable import Configuration
@testable import Experiments

/// The schemas that editors read, and the YAML files that name them.
struct SchemaFileTests {
  private static let files = ["configs", "experiments", "scripts", "docs", "Tests"].flatMap(yamlFiles)

  /// The schema that the first line of a file names, as a path in the repository.
  private func schema(of file: String) throws -> String {
    let text = try String(contentsOfFile: "\(repository)/\(file)", encoding: .utf8)
    let line = try #require(text.split(separator: "\n").first)
    let prefix = "# yaml-language-server: $schema="
    try #require(line.hasPrefix(prefix), "\(file) begins with \(line)")
    let path = URL(fileURLWithPath: "\(repository)/\(file)").deletingLastPathComponent()
      .appendingPathComponent(String(line.dropFirst(prefix.count))).standardized.path
    return String(path.dropFirst(repository.count + 1))
  }

  /// A YAML text as Foundation values; scalars by the core schema of YAML 1.2.
  private func document(_ text: String) throws -> Any {
    guard let root = try YAMLParser.parse(try SourceText(Array(text.utf8), of: .file("test"))) else {
      return [:] as [String: Any]
    }
    return value(root)
  }

  private func value(_ node: YAMLNode) -> Any {
    switch node.content {
    case .sequence(let elements): return elements.map(value)
    case .mapping(let entries): return Dictionary(uniqueKeysWithValues: entries.map { ($0.key, value($0.value)) })
    case .scalar(let text, isPlain: false): return text
    case .scalar(let text, isPlain: true):
      if ["", "~", "null"].contains(text) { return NSNull() }
      if ["true", "false"].contains(text) { return text == "true" }
      let isNumber = text.range(
        of: #"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$"#, options: .regularExpression)
      return isNumber.flatMap { _ in Double(text) } ?? text
    }
  }

  @Test func committedSchemasAreThoseOfTheCode() throws {
    for (name, schema) in [("airframe", ConfigReading.schema), ("experiment", ConfigReading.experimentSchema)] {
      let committed = try String(contentsOfFile: "\(repository)/docs/\(name).schema.json", encoding: .utf8)
      #expect(
        committed == schema,
        "docs/\(name).schema.json is old: write `airframe config schema\(name == "experiment" ? " --experiment" : "")` there"
      )
    }
  }

  @Test(arguments: files) func everyYAMLFileIsValidByTheSchemaThatItNames(_ file: String) throws {
    let name = try schema(of: file)
    #expect(name == (file.hasPrefix("experiments/") ? "docs/experiment.schema.json" : "docs/airframe.schema.json"))
    let validator = try SchemaValidator(try String(contentsOfFile: "\(repository)/\(name)", encoding: .utf8))
    let text = try String(contentsOfFile: "\(repository)/\(file)", encoding: .utf8)
    #expect(validator.faults(in: try document(text)) == [])
  }

  @Test func aCompleteConfigIsValidToo() throws {
    let validator = try SchemaValidator(ConfigReading.schema)
    for overrides in [[], ["model.name=dair", "estimator.name=gumbel-softmax", "dataset.name=multi-sprites"]] {
      let text = try ConfigReading(defaultsWith: overrides).text
      #expect(validator.faults(in: try document(text)) == [])
    }
  }

  @Test(arguments: [
    "trainig: { steps: 3 }", "training: { setps: 3 }", "training: { steps: 0 }", "training: { steps: no }",
    "training: { steps: 1.5 }", "model: { name: ari }", "model: { name: air, glimse: 3 }", "model: air",
    "estimator: { name: marginal, baseline: {} }", "training: { optimizer: { name: adam, rate: fast } }",
    "dataset: { name: multi-mnist, counts: { one: 3 } }", "model: { name: air, head: 3 }",
  ])
  func whatTheLoaderRefusesTheSchemaRefuses(_ text: String) throws {
    #expect(throws: ConfigurationError.self) {
      try ConfigurationFile.load(RunConfig.self, text: text, name: "test.yaml")
    }
    #expect(try !SchemaValidator(ConfigReading.schema).faults(in: try document(text)).isEmpty)
  }

  @Test(arguments: ["tilte: x", "rows: { a: { trainig: {} } }", "rows: { a: { training: { steps: 0 } } }", "seeds: 0"])
  func faultsOfExperimentsAreFoundInRowsToo(_ text: String) throws {
    #expect(try !SchemaValidator(ConfigReading.experimentSchema).faults(in: try document(text)).isEmpty)
  }

  /// Cases of the draft's own text, for the validator itself.
  @Test(arguments: [
    (#"{"type": "integer"}"#, "3.0", true), (#"{"type": "integer"}"#, "3.5", false),
    (#"{"type": "number"}"#, "true", false),
    (#"{"type": ["object", "null"]}"#, "null", true), (#"{"enum": ["a", 1]}"#, "1", true),
    (#"{"enum": ["a"]}"#, "b", false),
    (#"{"minimum": 2}"#, "1", false), (#"{"minimum": 2}"#, "text", true), (#"{"required": ["a"]}"#, "{b: 1}", false),
    (#"{"properties": {"a": {"type": "string"}}, "additionalProperties": false}"#, "{a: 1}", false),
    (#"{"properties": {"a": {}}, "additionalProperties": false}"#, "{b: 1}", false),
    (#"{"additionalProperties": {"type": "string"}}"#, "{a: x, b: y}", true),
    (#"{"items": {"type": "string"}}"#, "[a, 1]", false),
    (#"{"propertyNames": {"pattern": "^[0-9]+$"}}"#, "{1: a, x: b}", false),
    (#"{"anyOf": [{"type": "string"}, {"minimum": 3}]}"#, "2", false),
    (#"{"oneOf": [{"minimum": 1}, {"minimum": 3}]}"#, "4", false), (#"{"not": {"type": "string"}}"#, "x", false),
    (#"{"if": {"const": 1}, "then": false, "else": true}"#, "1", false),
    (#"{"if": {"const": 1}, "then": false}"#, "2", true),
    (##"{"$ref": "#/definitions/a", "definitions": {"a": {"const": "x"}}}"##, "y", false),
    (#"{"unheard": 1}"#, "1", false),
  ])
  func theValidatorFollowsTheDraft(schema: String, text: String, isValid: Bool) throws {
    #expect(try SchemaValidator(schema).faults(in: try document(text)).isEmpty == isValid)
  }
}
