/// An array in NumPy's NPY format: versions 1, 2 and 3 are read, version 1 is written.
///
/// Read are bytes, flags, and little-endian integers and floating-point numbers of 32 and 64 bits; other types are
/// refused by name. Reading takes memory for the values only once the data is known to be there: at most twice the
/// bytes of the file (three times for an array in Fortran order), whatever its header claims.
public struct NPY: Sendable, Equatable {
  /// The values, row-major.
  public enum Values: Sendable, Equatable {
    case uint8([UInt8])
    case flags([Bool])
    case int32([Int32])
    case int64([Int64])
    case float32([Float])
    case float64([Double])
  }

  /// The sizes, slowest first; empty for a single value.
  public let shape: [Int]
  public let values: Values

  /// Requires as many values as the shape takes.
  public init(shape: [Int], _ values: Values) {
    precondition(
      shape.allSatisfy { $0 >= 0 } && NPYHeader.product(shape) == values.count,
      "an array of shape \(shape) was given \(values.count) values")
    self.shape = shape
    self.values = values
  }

  /// Reads a file of at most `limit` bytes. Throws `FileError` where it cannot be read or holds something else.
  public init(file path: String, limit: Int = 1 << 31) throws {
    let bytes = try readFile(path, limit: limit)
    do { try self.init(bytes: bytes) } catch let error as FileError { throw error.at(path) }
  }

  /// Reads NPY data already in memory; throws `FileError` as `init(file:)` does.
  public init(bytes: [UInt8]) throws {
    let header = try NPYHeader(bytes)
    let found = bytes.count - header.length
    guard let count = NPYHeader.product(header.shape), count <= found, count * header.kind.size == found else {
      let shape = header.shape.map(String.init).joined(separator: ", ")
      throw NPYHeader.broken(
        "holds \(found) bytes after the header, which is not what \(header.kind.rawValue) values of shape (\(shape)) take"
      )
    }
    let values = bytes.withUnsafeBytes { Values(UnsafeRawBufferPointer(rebasing: $0[header.length...]), header.kind) }
    shape = header.shape
    self.values = header.isFortranOrder ? values.fromFortranOrder(header.shape) : values
  }

  /// The array as a file's bytes, the same as NumPy's.
  public var bytes: [UInt8] {
    NPYHeader.bytes(shape: shape, values.kind) + values.bytes
  }
}

extension NPY.Values {
  public var count: Int {
    switch self {
    case .uint8(let values): values.count
    case .flags(let values): values.count
    case .int32(let values): values.count
    case .int64(let values): values.count
    case .float32(let values): values.count
    case .float64(let values): values.count
    }
  }

  /// NumPy's name of the type: `uint8`, `bool`, `int32`, `int64`, `float32` or `float64`.
  public var typeName: String {
    switch self {
    case .uint8: "uint8"
    case .flags: "bool"
    case .int32: "int32"
    case .int64: "int64"
    case .float32: "float32"
    case .float64: "float64"
    }
  }

  var kind: NPYHeader.Kind {
    switch self {
    case .uint8: .uint8
    case .flags: .flags
    case .int32: .int32
    case .int64: .int64
    case .float32: .float32
    case .float64: .float64
    }
  }

  /// Requires whole values.
  fileprivate init(_ data: UnsafeRawBufferPointer, _ kind: NPYHeader.Kind) {
    func load<Element: BitwiseCopyable>(_ type: Element.Type) -> [Element] {
      let total = data.count / MemoryLayout<Element>.stride
      // The standard library writes into the one empty array that all threads share.
      guard total > 0 else { return [] }
      return [Element](unsafeUninitializedCapacity: total) { buffer, count in
        UnsafeMutableRawBufferPointer(buffer).copyMemory(from: data)
        count = total
      }
    }
    self =
      switch kind {
      case .uint8: .uint8(Array(data))
      case .flags: .flags(data.map { $0 != 0 })
      case .int32: .int32(load(Int32.self))
      case .int64: .int64(load(Int64.self))
      case .float32: .float32(load(Float.self))
      case .float64: .float64(load(Double.self))
      }
  }

  fileprivate var bytes: [UInt8] {
    switch self {
    case .uint8(let values): values
    case .flags(let values): values.map { $0 ? 1 : 0 }
    case .int32(let values): values.withUnsafeBytes(Array.init)
    case .int64(let values): values.withUnsafeBytes(Array.init)
    case .float32(let values): values.withUnsafeBytes(Array.init)
    case .float64(let values): values.withUnsafeBytes(Array.init)
    }
  }

  /// Row-major values from values whose first index runs fastest.
  fileprivate func fromFortranOrder(_ shape: [Int]) -> NPY.Values {
    func reordered<Element>(_ values: [Element]) -> [Element] {
      guard !values.isEmpty, shape.count > 1 else { return values }
      var strides = [1]
      for size in shape.dropLast() { strides.append(strides[strides.count - 1] * size) }
      var index = shape.map { _ in 0 }
      var place = 0
      return values.indices.map { _ in
        let value = values[place]
        // Counts up from the last index; what overflows goes back to 0 and carries.
        for axis in shape.indices.reversed() {
          index[axis] += 1
          place += strides[axis]
          guard index[axis] == shape[axis] else { break }
          place -= strides[axis] * shape[axis]
          index[axis] = 0
        }
        return value
      }
    }
    return switch self {
    case .uint8(let values): .uint8(reordered(values))
    case .flags(let values): .flags(reordered(values))
    case .int32(let values): .int32(reordered(values))
    case .int64(let values): .int64(reordered(values))
    case .float32(let values): .float32(reordered(values))
    case .float64(let values): .float64(reordered(values))
    }
  }
}
