import Configuration
import Glibc
import Pictures
import Tensors

/// The safetensors format: a JSON header followed by little-endian Float32 data.
public enum SafeTensors {
  /// The contents of a file.
  public struct Contents {
    public let tensors: [String: Tensor]
    public let metadata: [String: String]
  }

  /// Writes tensors in the given order, atomically. Throws `FileError`.
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

  /// Reads all tensors of a file. Throws `RunError` if its contents are not valid, and `FileError` if it cannot be
  /// read.
  public static func read(_ path: String) throws -> Contents {
    let file = try SafeTensorsFile(path)
    return Contents(
      tensors: Dictionary(uniqueKeysWithValues: try file.header.entries.keys.map { ($0, try file.tensor($0)) }),
      metadata: file.header.metadata)
  }

  /// Parses the bytes of a file. `name` is used in error messages. Throws `RunError` if the bytes are not valid.
  ///
  /// Memory for a tensor is only allocated after its bytes are known to exist.
  public static func parse(_ bytes: [UInt8], name file: String) throws -> Contents {
    let length = try SafeTensorsHeader.length(bytes.prefix(8), fileSize: bytes.count, name: file)
    let start = 8 + length
    let header = try SafeTensorsHeader(bytes[8..<start], dataSize: bytes.count - start, name: file)
    let tensors = header.entries.mapValues { entry in
      Tensor(shape: entry.shape) { out in
        bytes.withUnsafeBytes { source in
          UnsafeMutableRawBufferPointer(out).copyMemory(
            from: UnsafeRawBufferPointer(
              rebasing: source[start + entry.range.lowerBound..<start + entry.range.upperBound]))
        }
      }
    }
    return Contents(tensors: tensors, metadata: header.metadata)
  }

  private static func quoted(_ text: String) -> String { JSON.text(text).line }
}
