/// The header of an NPY file: magic number, version, and a Python dict with the type, the order and the shape.
struct NPYHeader {
  /// The types of values that can be read. Raw values are NumPy's names of the little-endian types.
  enum Kind: String, CaseIterable {
    case uint8 = "|u1"
    case int8 = "|i1"
    case flags = "|b1"
    case uint16 = "<u2"
    case int16 = "<i2"
    case uint32 = "<u4"
    case int32 = "<i4"
    case int64 = "<i8"
    case float16 = "<f2"
    case float32 = "<f4"
    case float64 = "<f8"

    /// The number of bytes per value.
    var size: Int {
      switch self {
      case .uint8, .int8, .flags: 1
      case .uint16, .int16, .float16: 2
      case .uint32, .int32, .float32: 4
      case .int64, .float64: 8
      }
    }
  }

  let kind: Kind
  let isBigEndian: Bool
  let isFortranOrder: Bool
  let shape: [Int]
  /// The length of the header in bytes, which is the offset of the values.
  let length: Int

  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  /// The largest number of bytes in a header of version 1. Headers of later versions are not longer in practice.
  static let longest = 10 + 0xFFFF
  /// The largest number of dimensions, which is NumPy's limit.
  private static let mostDimensions = 64

  /// Reads the header from the first bytes of a file; nil if these bytes do not contain the whole header.
  ///
  /// Throws `FileError`, also if the header is not complete although `head` is the whole file.
  init?(_ head: [UInt8], isWhole: Bool) throws {
    let isLater = head.count >= 7 && head[6] != 1
    let start = isLater ? 12 : 10
    if !isWhole, head.count >= start, head.starts(with: Self.magic),
      head[8..<start].reversed().reduce(0, { $0 << 8 | Int($1) }) + start > head.count
    {
      return nil
    }
    try self.init(head)
  }

  /// Reads the header of a file. Throws `FileError`.
  init(_ bytes: [UInt8]) throws {
    guard bytes.count >= 10, bytes.starts(with: Self.magic) else {
      let words = FileFormat.words(bytes, wanted: "NPY data")
      throw FileError(problem: words.problem, nextStep: words.nextStep ?? Self.remedy)
    }
    guard (1...3).contains(bytes[6]), bytes[7] == 0 else {
      throw Self.broken("is NPY data of version \(bytes[6]).\(bytes[7]), expected 1.0, 2.0 or 3.0")
    }
    let start = bytes[6] == 1 ? 10 : 12
    guard bytes.count >= start else { throw Self.broken("ends within its header") }
    length = start + bytes[8..<start].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= bytes.count else {
      throw Self.broken("claims a header to byte \(length), but ends at byte \(bytes.count)")
    }
    var dictionary = PythonDictionary(rest: bytes[start..<length])
    (kind, isBigEndian, isFortranOrder, shape) = try dictionary.read()
    guard shape.count <= Self.mostDimensions else {
      throw Self.broken("has \(shape.count) dimensions, the limit is \(Self.mostDimensions)")
    }
  }

  /// Throws `FileError` unless the values exactly fill the bytes after the header in a file of `size` bytes.
  func check(size: Int) throws {
    let found = size - length
    guard let count = Self.product(shape), count <= found, count * kind.size == found else {
      let shape = shape.map(String.init).joined(separator: ", ")
      throw Self.broken(
        "holds \(found) bytes after the header, which is not what \(kind.rawValue) values of shape (\(shape)) take")
    }
  }

  /// A header of version 1 as NumPy 2 writes it: it leaves room for the first dimension to grow, and the values start
  /// at a multiple of 64 bytes.
  static func bytes(shape: [Int], _ kind: Kind) -> [UInt8] {
    let sizes = shape.count == 1 ? "\(shape[0])," : shape.map(String.init).joined(separator: ", ")
    var text = "{'descr': '\(kind.rawValue)', 'fortran_order': False, 'shape': (\(sizes)), }"
    if let first = shape.first { text += String(repeating: " ", count: 21 - String(first).count) }
    text += String(repeating: " ", count: 64 - (10 + text.utf8.count + 1) % 64) + "\n"
    let count = text.utf8.count
    return magic + [1, 0, UInt8(count & 255), UInt8(count >> 8)] + Array(text.utf8)
  }

  /// The product of sizes that are 0 or more; nil if the product of the nonzero sizes is too large for an Int.
  static func product(_ shape: [Int]) -> Int? {
    var result = 1
    for size in shape {
      let (next, overflow) = result.multipliedReportingOverflow(by: max(1, size))
      if overflow { return nil }
      result = next
    }
    return shape.contains(0) ? 0 : result
  }

  private static let remedy = "save the array again with numpy.save or numpy.savez"

  static func broken(_ problem: String) -> FileError {
    FileError(problem: problem, nextStep: remedy)
  }
}

/// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }` and nothing else.
private struct PythonDictionary {
  var rest: ArraySlice<UInt8>

  mutating func read() throws -> (
    kind: NPYHeader.Kind, isBigEndian: Bool, isFortranOrder: Bool, shape: [Int]
  ) {
    var kind: (kind: NPYHeader.Kind, isBigEndian: Bool)?
    var isFortranOrder: Bool?
    var shape: [Int]?
    try expect("{")
    while !take("}") {
      let key = try text()
      try expect(":")
      switch key {
      case "descr" where kind == nil: kind = try type()
      case "fortran_order" where isFortranOrder == nil: isFortranOrder = try flag()
      case "shape" where shape == nil: shape = try sizes()
      case "descr", "fortran_order", "shape": throw NPYHeader.broken("has '\(key)' twice in its header")
      default: throw NPYHeader.broken("has a key in its header that is not descr, fortran_order or shape")
      }
      guard take(",") else {
        try expect("}")
        break
      }
    }
    skipSpace()
    guard rest.isEmpty else { throw NPYHeader.broken("has more in its header than one dict") }
    guard let kind, let isFortranOrder, let shape else {
      throw NPYHeader.broken("lacks descr, fortran_order or shape in its header")
    }
    return (kind.kind, kind.isBigEndian, isFortranOrder, shape)
  }

  private mutating func type() throws -> (kind: NPYHeader.Kind, isBigEndian: Bool) {
    skipSpace()
    let known = NPYHeader.Kind.allCases.map(\.rawValue).joined(separator: ", ")
    func refused(_ found: String) -> FileError {
      FileError(
        problem: "holds values of type \(found), expected one of \(known)",
        nextStep: "convert the array with .astype, for instance to numpy.float32")
    }
    guard rest.first == UInt8(ascii: "'") || rest.first == UInt8(ascii: "\"") else {
      throw refused("with named fields")
    }
    let name = try text()
    let isBigEndian = name.hasPrefix(">")
    guard let kind = NPYHeader.Kind(rawValue: isBigEndian ? "<" + name.dropFirst() : name) else {
      throw refused("'\(name)'")
    }
    return (kind, isBigEndian)
  }

  private mutating func flag() throws -> Bool {
    if take("True") { return true }
    if take("False") { return false }
    throw NPYHeader.broken("has a fortran_order in its header that is not True or False")
  }

  /// `()`, `(3,)`, `(2, 3)` or `(2, 3,)`.
  private mutating func sizes() throws -> [Int] {
    try expect("(")
    var sizes: [Int] = []
    var hasComma = true
    while !take(")") {
      guard hasComma else { throw wrongShape }
      skipSpace()
      let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      guard let size = Int(String(decoding: digits, as: UTF8.self)) else { throw wrongShape }
      rest = rest[digits.endIndex...]
      sizes.append(size)
      hasComma = take(",")
    }
    // In Python, (3) is a number, not a tuple.
    guard sizes.count != 1 || hasComma else { throw wrongShape }
    return sizes
  }

  private var wrongShape: FileError {
    NPYHeader.broken("has a shape in its header that is not a tuple of sizes below 2^63")
  }

  /// A quoted text of up to 64 printable ASCII characters without escapes.
  private mutating func text() throws -> String {
    skipSpace()
    guard let quote = rest.first, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\""),
      let end = rest.dropFirst().firstIndex(of: quote)
    else { throw NPYHeader.broken("has a header that is not a dict of quoted keys") }
    let content = rest[(rest.startIndex + 1)..<end]
    guard content.count <= 64, content.allSatisfy({ (0x20..<0x7F).contains($0) && $0 != UInt8(ascii: "\\") }) else {
      throw NPYHeader.broken("has a strange text in its header")
    }
    rest = rest[(end + 1)...]
    return String(decoding: content, as: UTF8.self)
  }

  private mutating func expect(_ word: String) throws {
    guard take(word) else { throw NPYHeader.broken("has a header that is not a dict: '\(word)' is missing") }
  }

  private mutating func take(_ word: String) -> Bool {
    skipSpace()
    guard rest.starts(with: word.utf8) else { return false }
    rest = rest.dropFirst(word.utf8.count)
    return true
  }

  private mutating func skipSpace() {
    rest = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
  }
}
