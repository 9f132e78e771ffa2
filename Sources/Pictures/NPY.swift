import CZlib

/// An array in NumPy's NPY format: versions 1, 2 and 3 are read, version 1 is written.
///
/// Reads flags, integers of 8 to 64 bits (except unsigned ones of 64 bits) and floating-point numbers of 16 to 64 bits,
/// in either byte order. A type without a case in `Values` is widened to the next larger type. Other types are refused,
/// and the error names the type.
///
/// Memory for the values is allocated only after the size in the header has been checked against the size of the data.
/// Reading uses at most three times the bytes of the file, or five times for an array in Fortran order of a type that
/// is widened.
public struct NPY: Sendable, Equatable {
  /// The values, row-major.
  public enum Values: Sendable, Equatable {
    case uint8([UInt8])
    case flags([Bool])
    case uint16([UInt16])
    case int16([Int16])
    case int32([Int32])
    case int64([Int64])
    case float32([Float])
    case float64([Double])
  }

  /// The sizes, slowest first; empty for a single value.
  public let shape: [Int]
  public let values: Values

  /// Requires that the number of values fits the shape.
  public init(shape: [Int], _ values: Values) {
    precondition(
      shape.allSatisfy { $0 >= 0 } && NPYHeader.product(shape) == values.count,
      "an array of shape \(shape) was given \(values.count) values")
    self.shape = shape
    self.values = values
  }

  /// Reads a file of at most `limit` bytes. `check` receives the shape before the values are read, and may throw.
  ///
  /// Throws `FileError` if the file cannot be read or is not a supported NPY file, and the errors of `check`.
  public init(file path: String, limit: Int = 1 << 31, check: (_ shape: [Int]) throws -> Void = { _ in }) throws {
    let bytes = try readFile(path, limit: limit) { head, size in
      // A header that is longer than `head` is checked after the whole file is read.
      guard let header = try NPYHeader(head, isWhole: head.count >= size) else { return }
      try header.check(size: size)
      try check(header.shape)
      try FreeMemory.require(3 * size)
    }
    do { try self.init(bytes: bytes) } catch let error as FileError { throw error.at(path) }
    try check(shape)
  }

  /// Reads NPY data already in memory; throws `FileError` as `init(file:)` does.
  public init(bytes: consuming [UInt8]) throws {
    let header = try NPYHeader(copy bytes)
    try header.check(size: bytes.count)
    let values: Values
    if header.kind == .uint8 {
      bytes.removeFirst(header.length)
      values = .uint8(bytes)
    } else {
      values = Values(bytes[header.length...], header.kind, isBigEndian: header.isBigEndian)
    }
    shape = header.shape
    self.values = header.isFortranOrder ? values.fromFortranOrder(header.shape) : values
  }

  /// The CRC-32 of the little-endian values, used as a fingerprint.
  package var checksum: UInt32 {
    func crc<Element>(_ values: [Element]) -> UInt32 {
      values.withUnsafeBytes { bytes in
        UInt32(truncatingIfNeeded: crc32_z(0, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count))
      }
    }
    return switch values {
    case .uint8(let values): crc(values)
    case .flags(let values): crc(values)
    case .uint16(let values): crc(values)
    case .int16(let values): crc(values)
    case .int32(let values): crc(values)
    case .int64(let values): crc(values)
    case .float32(let values): crc(values)
    case .float64(let values): crc(values)
    }
  }

  /// The array as the bytes of a file, identical to NumPy's.
  public var bytes: [UInt8] {
    NPYHeader.bytes(shape: shape, values.kind) + values.bytes
  }
}

extension NPY.Values {
  public var count: Int {
    switch self {
    case .uint8(let values): values.count
    case .flags(let values): values.count
    case .uint16(let values): values.count
    case .int16(let values): values.count
    case .int32(let values): values.count
    case .int64(let values): values.count
    case .float32(let values): values.count
    case .float64(let values): values.count
    }
  }

  /// NumPy's name of the type, such as `uint8` or `bool`.
  public var typeName: String {
    switch self {
    case .uint8: "uint8"
    case .flags: "bool"
    case .uint16: "uint16"
    case .int16: "int16"
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
    case .uint16: .uint16
    case .int16: .int16
    case .int32: .int32
    case .int64: .int64
    case .float32: .float32
    case .float64: .float64
    }
  }

  /// Requires that `data` holds a whole number of values.
  fileprivate init(_ data: ArraySlice<UInt8>, _ kind: NPYHeader.Kind, isBigEndian: Bool) {
    func load<Element: BitwiseCopyable>(_ type: Element.Type) -> [Element] {
      let total = data.count / MemoryLayout<Element>.stride
      // For an empty array, the standard library would write into the storage that all threads share.
      guard total > 0 else { return [] }
      return [Element](unsafeUninitializedCapacity: total) { buffer, count in
        let bytes = UnsafeMutableRawBufferPointer(buffer)
        data.withUnsafeBytes { bytes.copyMemory(from: $0) }
        if isBigEndian { reverse(bytes, each: MemoryLayout<Element>.stride) }
        count = total
      }
    }
    func reverse(_ bytes: UnsafeMutableRawBufferPointer, each size: Int) {
      for start in stride(from: 0, to: bytes.count, by: size) { bytes[start..<start + size].reverse() }
    }
    self =
      switch kind {
      case .uint8: .uint8(Array(data))
      case .int8: .int16(data.map { Int16(Int8(bitPattern: $0)) })
      case .flags: .flags(data.map { $0 != 0 })
      case .uint16: .uint16(load(UInt16.self))
      case .int16: .int16(load(Int16.self))
      case .uint32: .int64(load(UInt32.self).map(Int64.init))
      case .int32: .int32(load(Int32.self))
      case .int64: .int64(load(Int64.self))
      case .float16: .float32(load(Float16.self).map(Float.init))
      case .float32: .float32(load(Float.self))
      case .float64: .float64(load(Double.self))
      }
  }

  fileprivate var bytes: [UInt8] {
    switch self {
    case .uint8(let values): values
    case .flags(let values): values.map { $0 ? 1 : 0 }
    case .uint16(let values): values.withUnsafeBytes(Array.init)
    case .int16(let values): values.withUnsafeBytes(Array.init)
    case .int32(let values): values.withUnsafeBytes(Array.init)
    case .int64(let values): values.withUnsafeBytes(Array.init)
    case .float32(let values): values.withUnsafeBytes(Array.init)
    case .float64(let values): values.withUnsafeBytes(Array.init)
    }
  }

  /// Reorders values whose first index runs fastest (Fortran order) to row-major order.
  fileprivate func fromFortranOrder(_ shape: [Int]) -> NPY.Values {
    func reordered<Element>(_ values: [Element]) -> [Element] {
      guard !values.isEmpty, shape.count > 1 else { return values }
      var strides = [1]
      for size in shape.dropLast() { strides.append(strides[strides.count - 1] * size) }
      var index = shape.map { _ in 0 }
      var place = 0
      return values.indices.map { _ in
        let value = values[place]
        // Increments the last index; an index that reaches its size returns to 0 and carries.
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
    case .uint16(let values): .uint16(reordered(values))
    case .int16(let values): .int16(reordered(values))
    case .int32(let values): .int32(reordered(values))
    case .int64(let values): .int64(reordered(values))
    case .float32(let values): .float32(reordered(values))
    case .float64(let values): .float64(reordered(values))
    }
  }
}
