/// An array of bytes in the IDX format of MNIST: magic number, sizes as 32-bit big-endian numbers, row-major values.
public struct IDX: Sendable, Equatable {
  /// The sizes, slowest first: `[60000, 28, 28]`.
  public let shape: [Int]
  /// The values, row-major.
  public let values: [UInt8]

  /// Reads a file, expanded first if its name ends in `.gz`; at most `limit` bytes, header included.
  ///
  /// Throws `FileError` if the magic number, the sizes or the length do not fit.
  public init(file path: String, limit: Int = 1 << 30) throws {
    let bytes = try Gzip.readFile(path, limit: limit)
    do { try self.init(bytes: bytes) } catch let error as FileError { throw error.at(path) }
  }

  /// Reads IDX data already in memory; throws `FileError` as `init(file:)` does.
  public init(bytes: consuming [UInt8]) throws {
    let dimensions = try Self.dimensions(bytes)
    let header = 4 + 4 * dimensions
    guard bytes.count >= header else {
      throw Self.broken("ends within its header: \(bytes.count) bytes, expected \(header) for \(dimensions) dimensions")
    }
    let shape = (0..<dimensions).map { index in
      bytes[(4 + 4 * index)..<(8 + 4 * index)].reduce(0) { $0 << 8 | Int($1) }
    }
    let found = bytes.count - header
    let sizes = shape.map(String.init).joined(separator: " x ")
    guard Self.product(shape) == found else {
      let expected = Self.product(shape).map { "\($0) bytes" } ?? "more bytes than memory can hold"
      throw Self.broken("holds \(found) values after the header, expected \(expected) for \(sizes)")
    }
    self.shape = shape
    bytes.removeFirst(header)
    self.values = bytes
  }

  private static func dimensions(_ bytes: [UInt8]) throws -> Int {
    guard bytes.count >= 4, bytes[0] == 0, bytes[1] == 0 else {
      let found = bytes.isEmpty ? "nothing" : hexadecimal(bytes.prefix(4))
      throw broken("is not IDX data: starts with \(found), expected 00 00 08 and the number of dimensions")
    }
    guard bytes[2] == 8 else {
      throw broken("holds values of type \(hexadecimal([bytes[2]])), expected 08 (unsigned bytes)")
    }
    guard bytes[3] >= 1 else { throw broken("has no dimensions, expected 1 or more") }
    return Int(bytes[3])
  }

  /// The product of the sizes; nil if it is too large for an Int, whatever sizes of 0 would make of it.
  private static func product(_ shape: [Int]) -> Int? {
    var result = 1
    for size in shape {
      let (next, overflow) = result.multipliedReportingOverflow(by: max(1, size))
      if overflow { return nil }
      result = next
    }
    return shape.contains(0) ? 0 : result
  }

  private static func broken(_ problem: String) -> FileError {
    FileError(problem: problem, nextStep: "fetch the file again from its source")
  }
}
