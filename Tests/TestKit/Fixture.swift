import Foundation
import Tensors

/// Tensors that another library computed, from a safetensors file in the `Fixtures` folder of a test target.
///
/// Tensors are named `<case>/<inputs, outputs, cotangents or gradients>/<name>`. The metadata contains the names of the
/// `cases`, their settings (`<case>.<key>`), and the program and versions that made the file.
public struct Fixture {
  public let cases: [Case]
  public let metadata: [String: String]

  /// One call of the operation.
  public struct Case {
    public let name: String
    public let inputs, outputs, cotangents, gradients: [String: Tensor]
    public let settings: [String: String]
  }

  public init(named name: String, in target: String) throws {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let file = tests.appendingPathComponent("\(target)/Fixtures/\(name).safetensors")
    let (tensors, metadata) = try readSafetensors(try Data(contentsOf: file))
    self.metadata = metadata
    cases = (metadata["cases"] ?? "").split(separator: " ").map { name in
      func group(_ group: String) -> [String: Tensor] { beginning("\(name)/\(group)/", of: tensors) }
      return Case(
        name: String(name), inputs: group("inputs"), outputs: group("outputs"), cotangents: group("cotangents"),
        gradients: group("gradients"), settings: beginning("\(name).", of: metadata))
    }
  }
}

extension Fixture.Case {
  /// A setting as a number.
  public func number(_ key: String) throws -> Double {
    guard let number = settings[key].flatMap(Double.init) else { throw FixtureError("\(name) has no number '\(key)'") }
    return number
  }

  public func input(_ name: String) throws -> Tensor { try find(name, in: inputs) }
  public func output(_ name: String) throws -> Tensor { try find(name, in: outputs) }

  private func find(_ name: String, in tensors: [String: Tensor]) throws -> Tensor {
    guard let tensor = tensors[name] else { throw FixtureError("\(self.name) has no tensor '\(name)'") }
    return tensor
  }
}

/// A fixture lacks an expected entry or is malformed.
public struct FixtureError: Error, CustomStringConvertible {
  public let description: String
  init(_ description: String) { self.description = description }
}

/// The entries whose names begin with `prefix`, keyed by the rest of their names.
private func beginning<Value>(_ prefix: String, of entries: [String: Value]) -> [String: Value] {
  var found: [String: Value] = [:]
  for (name, value) in entries where name.hasPrefix(prefix) { found[String(name.dropFirst(prefix.count))] = value }
  return found
}

/// Reads a safetensors file: the length of the header (8 bytes), the header (JSON), and the data (little-endian F32).
private func readSafetensors(_ file: Data) throws -> (tensors: [String: Tensor], metadata: [String: String]) {
  guard file.count >= 8 else { throw FixtureError("\(file.count) bytes are no safetensors file") }
  let length = file.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
  guard length <= file.count - 8,
    let header = try JSONSerialization.jsonObject(with: file.dropFirst(8).prefix(length)) as? [String: Any]
  else { throw FixtureError("the header is not a JSON object of \(length) bytes") }
  let data = file.dropFirst(8 + length)
  var tensors: [String: Tensor] = [:]
  for (name, entry) in header where name != "__metadata__" {
    guard let entry = entry as? [String: Any], entry["dtype"] as? String == "F32", let shape = entry["shape"] as? [Int],
      let range = entry["data_offsets"] as? [Int], range.count == 2, range[0] >= 0, range[1] <= data.count,
      range[1] - range[0] == 4 * shape.reduce(1, *)
    else { throw FixtureError("tensor '\(name)' is not F32 with its bytes in the file") }
    let bytes = [UInt8](data.dropFirst(range[0]).prefix(range[1] - range[0]))
    tensors[name] = Tensor(
      shape: shape,
      stride(from: 0, to: bytes.count, by: 4).map { start in
        Float(bitPattern: bytes[start..<start + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) })
      })
  }
  return (tensors, header["__metadata__"] as? [String: String] ?? [:])
}
