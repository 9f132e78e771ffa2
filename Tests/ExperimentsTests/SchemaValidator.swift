import Configuration
import Foundation

@testable import Experiments

/// A validator of JSON Schema draft-07, for the keywords that Airframe's schemas use; any other keyword is a fault.
///
/// It knows nothing of how the schemas are made: documents and schemas are plain Foundation values.
struct SchemaValidator {
  private let root: [String: Any]

  init(_ text: String) throws {
    guard let root = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
      throw RunError("the schema is no object")
    }
    self.root = root
  }

  /// What is wrong with a document, each with its place; empty where it is valid.
  func faults(in document: Any) -> [String] { faults(document, root, "") }

  private func faults(_ value: Any, _ schema: Any, _ place: String) -> [String] {
    if let flag = schema as? Bool { return flag ? [] : ["\(place): nothing is allowed here"] }
    guard let schema = schema as? [String: Any] else { return ["\(place): the schema is no object"] }
    // In draft-07, nothing beside a reference counts.
    if let reference = schema["$ref"] as? String {
      let name = reference.replacingOccurrences(of: "#/definitions/", with: "")
      guard let definition = (root["definitions"] as? [String: Any])?[name] else { return ["no \(reference)"] }
      return faults(value, definition, place)
    }
    return schema.flatMap { keyword, content in faults(value, keyword, content, schema, place) }
  }

  private func faults(
    _ value: Any, _ keyword: String, _ content: Any, _ schema: [String: Any], _ place: String
  ) -> [String] {
    func fault(_ text: String) -> [String] { ["\(place): \(value) \(text)"] }
    let schemas = content as? [Any] ?? []
    switch keyword {
    case "$schema", "title", "description", "default", "definitions", "then", "else": return []
    case "type":
      let types = content as? [String] ?? [content as? String ?? ""]
      return types.contains { Self.isOf($0, value) } ? [] : fault("is no \(types)")
    case "enum": return schemas.contains { Self.same($0, value) } ? [] : fault("is none of \(schemas)")
    case "const": return Self.same(content, value) ? [] : fault("is not \(content)")
    case "minimum", "maximum":
      guard let number = Self.number(value), let bound = Self.number(content) else { return [] }
      return (keyword == "minimum" ? number >= bound : number <= bound) ? [] : fault("is beyond \(bound)")
    case "minItems":
      return (value as? [Any]).map { $0.count >= (content as? Int ?? 0) } ?? true ? [] : fault("is short")
    case "pattern":
      guard let text = value as? String, let pattern = content as? String else { return [] }
      return text.range(of: pattern, options: .regularExpression) != nil ? [] : fault("does not match \(pattern)")
    case "required":
      guard let object = value as? [String: Any] else { return [] }
      return (content as? [String] ?? []).filter { object[$0] == nil }.flatMap { fault("lacks \($0)") }
    case "properties":
      guard let object = value as? [String: Any], let properties = content as? [String: Any] else { return [] }
      return object.flatMap { key, value in properties[key].map { faults(value, $0, "\(place)/\(key)") } ?? [] }
    case "additionalProperties":
      guard let object = value as? [String: Any] else { return [] }
      let known = schema["properties"] as? [String: Any] ?? [:]
      let patterns = (schema["patternProperties"] as? [String: Any] ?? [:]).keys
      let rest = object.filter { entry in
        known[entry.key] == nil && !patterns.contains { entry.key.range(of: $0, options: .regularExpression) != nil }
      }
      return rest.flatMap { faults($0.value, content, "\(place)/\($0.key)") }
    case "patternProperties":
      guard let object = value as? [String: Any], let patterns = content as? [String: Any] else { return [] }
      return object.flatMap { key, value in
        patterns.filter { key.range(of: $0.key, options: .regularExpression) != nil }
          .flatMap { faults(value, $0.value, "\(place)/\(key)") }
      }
    case "propertyNames":
      return (value as? [String: Any])?.keys.flatMap { faults($0, content, "\(place)/\($0)") } ?? []
    case "items":
      return (value as? [Any])?.enumerated().flatMap { faults($0.element, content, "\(place)/\($0.offset)") } ?? []
    case "allOf": return schemas.flatMap { faults(value, $0, place) }
    case "anyOf":
      return schemas.contains { faults(value, $0, place).isEmpty } ? [] : fault("fits none of several forms")
    case "oneOf":
      return schemas.filter { faults(value, $0, place).isEmpty }.count == 1 ? [] : fault("does not fit one form alone")
    case "not": return faults(value, content, place).isEmpty ? fault("is excluded") : []
    case "if":
      let branch = faults(value, content, place).isEmpty ? schema["then"] : schema["else"]
      return branch.map { faults(value, $0, place) } ?? []
    default: return ["\(place): this validator does not know '\(keyword)'"]
    }
  }

  /// A number and a flag are told apart by how Foundation stores them.
  private static func isFlag(_ value: Any) -> Bool {
    (value as? NSNumber).map { String(cString: $0.objCType) == "c" } ?? (value is Bool)
  }

  private static func number(_ value: Any) -> Double? {
    if isFlag(value) { return nil }
    return (value as? NSNumber)?.doubleValue ?? (value as? Int).map(Double.init) ?? value as? Double
  }

  private static func isOf(_ type: String, _ value: Any) -> Bool {
    switch type {
    case "null": value is NSNull
    case "boolean": isFlag(value)
    case "string": value is String
    case "array": value is [Any]
    case "object": value is [String: Any]
    case "number": number(value) != nil
    case "integer": number(value).map { $0 == $0.rounded() } ?? false
    default: false
    }
  }

  private static func same(_ left: Any, _ right: Any) -> Bool {
    if let left = left as? String, let right = right as? String { return left == right }
    if isFlag(left) || isFlag(right) { return isFlag(left) && isFlag(right) && "\(left)" == "\(right)" }
    if let left = number(left), let right = number(right) { return left == right }
    return left is NSNull && right is NSNull
  }
}
