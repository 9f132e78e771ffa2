import Configuration
import Foundation
import Testing

struct SchemaTests {
  let text = ConfigurationFile.schema(for: Config.self, title: "airframe config")

  /// The object at a path of members; references to `#/definitions/` are followed.
  func schema(_ path: [String]) throws -> [String: Any] {
    let root = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    var node = root
    for key in path {
      node = try #require(node[key] as? [String: Any], "\(key)")
      if let reference = node["$ref"] as? String {
        let definitions = try #require(root["definitions"] as? [String: Any])
        node = try #require(definitions[String(reference.dropFirst("#/definitions/".count))] as? [String: Any])
      }
    }
    return node
  }

  /// The schema that applies to a model with the given name.
  func model(_ name: String) throws -> [String: Any] {
    let cases = try #require(try schema(["properties", "model"])["allOf"] as? [[String: Any]])
    let found = cases.first {
      (($0["if"] as? [String: Any])?["properties"] as? [String: [String: String]])?["name"]?["const"] == name
    }
    return try #require(found?["then"] as? [String: Any])
  }

  @Test func rootAllowsItsKeysAndExtends() throws {
    let root = try schema([])
    #expect(root["$schema"] as? String == "http://json-schema.org/draft-07/schema#")
    #expect(root["title"] as? String == "airframe config")
    #expect(root["additionalProperties"] as? Bool == false)
    let keys = Set((root["properties"] as? [String: Any] ?? [:]).keys)
    #expect(keys == ["extends", "model", "regularizers", "counts", "training"])
  }

  @Test func fieldsCarryRangeDefaultAndMeaning() throws {
    let steps = try schema(["properties", "training", "properties", "steps"])
    #expect(steps["type"] as? String == "integer")
    #expect(steps["minimum"] as? Int == 1)
    #expect(steps["maximum"] == nil)
    #expect(steps["default"] as? Int == 10_000)
    #expect(steps["description"] as? String == "updates")
    let shares = try schema(["properties", "training", "properties", "shares", "items"])
    #expect(shares["maximum"] as? Int == 1)
    #expect(try schema(["properties", "training"])["additionalProperties"] as? Bool == false)
    #expect(try schema(["properties", "counts", "default"])["0"] as? Int == 5)
  }

  @Test func variantsAreChosenByName() throws {
    let name = try schema(["properties", "model", "properties", "name"])
    #expect(name["enum"] as? [String] == ["air", "discrete-air", "mvae"])
    #expect(name["default"] as? String == "air")
    let mvae = try #require(try model("mvae")["properties"] as? [String: Any])
    #expect(Set(mvae.keys) == ["name", "slots"])
    #expect(try model("mvae")["additionalProperties"] as? Bool == false)
    let presets = try ["air", "discrete-air"].map {
      try #require(try model($0)["properties"] as? [String: [String: Any]])
    }
    #expect(presets.map { $0["steps"]?["default"] as? Int } == [3, 4])
  }

  @Test func repeatedSectionsAreWrittenOnce() throws {
    #expect(
      try schema(["definitions", "window", "properties", "scale"])["enum"] as? [String] == ["isotropic", "anisotropic"])
    #expect(text.components(separatedBy: "smallest window").count == 2)
  }

  @Test func theTextIsTheSameEveryTime() {
    #expect(ConfigurationFile.schema(for: Config.self, title: "airframe config") == text)
  }
}

struct JSONTests {
  @Test func textIsEscaped() throws {
    let text = "\"\\\n\t\u{1}é😀/"
    let json: JSON = ["k": .list([.text(text), .number(1e-7), .number(.infinity), .null, true, 3])]
    let read = try #require(try JSONSerialization.jsonObject(with: Data(json.description.utf8)) as? [String: [Any]])
    #expect(read["k"]?[0] as? String == text)
    #expect(read["k"]?[1] as? Double == 1e-7)
    #expect(read["k"]?[2] is NSNull)
  }

  @Test func membersAreReadAndReplaced() {
    var json: JSON = ["a": 1, "b": [1, 2], "c": [:]]
    json["a"] = 2
    json["b"] = nil
    json["d"] = 0.5
    #expect(json == ["a": 2, "c": [:], "d": 0.5])
    #expect(json.description == "{\n  \"a\": 2,\n  \"c\": {},\n  \"d\": 0.5\n}")
  }
}
