/// An array of bytes in MNIST's IDX format: a magic number, sizes as 32-bit big-endian numbers, and row-major values.
public struct IDX: Sendable, Equatable {
  /// The sizes, slowest first: `[60000, 28, 28]`.
  public let shape: [Int]
  /// The values, row-major.
  public let values: [UInt8]

  /// Reads a file of at most `limit` bytes, including the header. If its name ends in `.gz`, it is expanded first.
  ///
  /// Throws `FileError` if the magic number, the sizes or the length are wrong.
  public init(file path: String, limit: Int = 1 << 30) throws {
    let bytes = try Gzip.readFile(path, limit: limit) { head in
      // The values are expanded only if the sizes are within the limit.
      let header = try Self.header(head)
      guard header.length + header.count <= limit else {
        throw Self.broken("says that it holds \(header.count) values, the limit is \(limit) bytes")
      }
    }
    do { try self.init(bytes: bytes) } catch let error as FileError { throw error.at(path) }
  }

  /// Reads IDX data already in memory; throws `FileError` as `init(file:)` does.
  public init(bytes: consuming [UInt8]) throws {
    let header = try Self.header(bytes)
    let found = bytes.count - header.length
    guard header.count == found else {
      let sizes = header.shape.map(String.init).joined(separator: " x ")
      throw Self.broken("holds \(found) values after the header, expected \(header.count) bytes for \(sizes)")
    }
    shape = header.shape
    bytes.removeFirst(header.length)
    self.values = bytes
  }

  /// The sizes, their product, and the number of bytes before the values. Throws `FileError` for impossible sizes.
  private static func header(_ bytes: [UInt8]) throws -> (shape: [Int], count: Int, length: Int) {
    let dimensions = try dimensions(bytes)
    let length = 4 + 4 * dimensions
    guard bytes.count >= length else {
      throw broken("ends within its header: \(bytes.count) bytes, expected \(length) for \(dimensions) dimensions")
    }
    let shape = (0..<dimensions).map { index in
      bytes[(4 + 4 * index)..<(8 + 4 * index)].reduce(0) { $0 << 8 | Int($1) }
    }
    guard let count = product(shape), count < Int.max - length else {
      let sizes = shape.map(String.init).joined(separator: " x ")
      throw broken(
        "holds \(bytes.count - length) values after the header, expected more bytes than memory can hold for \(sizes)")
    }
    return (shape, count, length)
  }

  private static func dimensions(_ bytes: [UInt8]) throws -> Int {
    guard bytes.count >= 4, bytes[0] == 0, bytes[1] == 0 else {
      let words = FileFormat.words(bytes, wanted: "IDX data")
      throw FileError(problem: words.problem, nextStep: words.nextStep ?? remedy)
    }
    guard bytes[2] == 8 else {
      throw broken("holds values of type \(hexadecimal([bytes[2]])), expected 08 (unsigned bytes)")
    }
    guard bytes[3] >= 1 else { throw broken("has no dimensions, expected 1 or more") }
    return Int(bytes[3])
  }

  /// The product of the sizes; nil if the product of the nonzero sizes is too large for an Int.
  private static func product(_ shape: [Int]) -> Int? {
    var result = 1
    for size in shape {
      let (next, overflow) = result.multipliedReportingOverflow(by: max(1, size))
      if overflow { return nil }
      result = next
    }
    return shape.contains(0) ? 0 : result
  }

  private static let remedy = "fetch the file again from its source"

  private static func broken(_ problem: String) -> FileError {
    FileError(problem: problem, nextStep: remedy)
  }
}
