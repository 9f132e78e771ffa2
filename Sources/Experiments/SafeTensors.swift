import Configuration
import Glibc
import Pictures
import Tensors

/// The safetensors format: a JSON header, then little-endian Float32 data.
public enum SafeTensors {
  /// What a file holds.
  public struct Contents {
    public let tensors: [String: Tensor]
    public let metadata: [String: String]
  }

  /// Writes tensors in the given order, atomically. Throws what the file system says.
  public static func write(
    _ tensors: [(name: String, tensor: Tensor)], metadata: [(String, String)] = [], to path: String
  ) throws {
    try writeFileAtomically(encode(tensors, metadata: metadata), to: path)
  }

  /// The bytes of a file with tensors in the given order.
  public static func encode(
    _ tensors: [(name: String, tensor: Tensor)], metadata: [(String, String)] = []
  ) -> [UInt8] {
    var header = "{\"__metadata__\":{"
    header += metadata.map { "\(quoted($0.0)):\(quoted($0.1))" }.joined(separator: ",") + "}"
    var offset = 0
    for (name, tensor) in tensors {
      let end = offset + 4 * tensor.count
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      header += ",\(quoted(name)):{\"dtype\":\"F32\",\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]}"
      offset = end
    }
    header += "}"
    var head = Array(header.utf8)
    while head.count % 8 != 0 { head.append(UInt8(ascii: " ")) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(8 + head.count + offset)
    for shift in stride(from: 0, to: 64, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: UInt64(head.count) >> UInt64(shift)))
    }
    bytes += head
    for (_, tensor) in tensors {
      tensor.withUnsafeBuffer { bytes.append(contentsOf: UnsafeRawBufferPointer($0)) }
    }
    return bytes
  }

  /// Reads a file of Float32 tensors. Throws `RunError` with what is wrong with it, and `FileError` if it cannot be read.
  public static func read(_ path: String) throws -> Contents {
    try parse(try readFile(path, limit: 1 << 36), name: path)
  }

  /// Reads bytes as if they were the file of that name. Throws `RunError` with what is wrong with them.
  ///
  /// Nothing is allocated for a tensor before the bytes that it claims are known to be there.
  public static func parse(_ bytes: [UInt8], name file: String) throws -> Contents {
    func broken(_ what: String) -> RunError { RunError("\(file): not a usable safetensors file: \(what)") }
    guard bytes.count >= 8 else { throw broken("\(bytes.count) bytes are too few for a header") }
    let length = bytes[..<8].enumerated().reduce(UInt64(0)) { $0 | UInt64($1.element) << UInt64(8 * $1.offset) }
    guard length <= 100_000_000, Int(length) <= bytes.count - 8 else {
      throw broken("the header claims \(length) bytes of \(bytes.count - 8)")
    }
    let start = 8 + Int(length)
    let header: JSON
    do { header = try JSON(parsing: bytes[8..<start]) } catch { throw broken("its header is not JSON: \(error)") }
    func members(_ value: JSON, _ what: String) throws -> [JSON.Member] {
      guard case .object(let members) = value else { throw broken("\(what) is not a map") }
      guard Set(members.map(\.key)).count == members.count else { throw broken("\(what) has a key twice") }
      return members
    }
    var tensors: [String: Tensor] = [:]
    var metadata: [String: String] = [:]
    var covered: [(Int, Int)] = []
    for member in try members(header, "its header") {
      let (name, entry) = (member.key, member.value)
      let pairs = try members(entry, name)
      if name == "__metadata__" {
        for pair in pairs {
          guard let text = pair.value.string else { throw broken("\(pair.key) in __metadata__ is not a text") }
          metadata[pair.key] = text
        }
        continue
      }
      guard entry["dtype"] == "F32", let shape = entry["shape"]?.integers,
        let range = entry["data_offsets"]?.integers, range.count == 2, shape.allSatisfy({ $0 >= 0 })
      else { throw broken("\(name) is not described as an F32 tensor") }
      var size = 4
      for side in shape {
        let (product, overflow) = size.multipliedReportingOverflow(by: max(1, side))
        guard !overflow else { throw broken("the shape of \(name) is too large") }
        size = product
      }
      if shape.contains(0) { size = 0 }
      guard range[0] >= 0, range[1] >= range[0], range[1] <= bytes.count - start, range[1] - range[0] == size else {
        throw broken("\(name) spans bytes \(range[0]) to \(range[1]), shape \(shape) needs \(size)")
      }
      covered.append((range[0], range[1]))
      tensors[name] = Tensor(shape: shape) { out in
        bytes.withUnsafeBytes { source in
          UnsafeMutableRawBufferPointer(out).copyMemory(
            from: UnsafeRawBufferPointer(rebasing: source[start + range[0]..<start + range[1]]))
        }
      }
    }
    var at = 0
    for (begin, end) in covered.sorted(by: { $0 < $1 }) {
      guard begin == at else { throw broken("its data has a gap or an overlap at byte \(at)") }
      at = end
    }
    guard at == bytes.count - start else { throw broken("\(bytes.count - start - at) bytes belong to no tensor") }
    return Contents(tensors: tensors, metadata: metadata)
  }

  private static func quoted(_ text: String) -> String { JSON.text(text).line }
}
