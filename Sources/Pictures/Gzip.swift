/// The gzip format (RFC 1952), implemented with zlib.
public enum Gzip {
  /// Expands gzip data with one or more members to at most `limit` bytes.
  ///
  /// Checksums and lengths are checked; zeros after the last member are ignored. Throws `FileError`.
  public static func decompress(_ bytes: [UInt8], limit: Int) throws -> [UInt8] {
    try bytes.withUnsafeBufferPointer { try decompress($0, limit: limit) }
  }

  /// Compresses to gzip data with one member, without a time or name, so that the same bytes give the same result.
  ///
  /// `level` is 0 (store) to 9 (smallest). Throws `FileError` if memory runs out.
  public static func compress(_ bytes: [UInt8], level: Int = 6) throws -> [UInt8] {
    precondition((0...9).contains(level), "gzip level \(level); the levels are 0 to 9")
    return try bytes.withUnsafeBufferPointer { try deflateStream($0, format: .gzip, level: level) }
  }

  /// The bytes of a file, expanded if its name ends in `.gz`; at most `limit` bytes in both cases.
  ///
  /// `check` receives the first 4096 bytes of the content (or all) before the rest is expanded, and may throw.
  /// Throws `FileError` and the errors of `check`.
  public static func readFile(
    _ path: String, limit: Int, check: (_ head: [UInt8]) throws -> Void = { _ in }
  ) throws -> [UInt8] {
    let isPacked = path.hasSuffix(".gz")
    let bytes = try Pictures.readFile(path, limit: limit) { head, _ in
      try isPacked ? Self.check(head[...]) : check(head)
    }
    guard isPacked else { return bytes }
    do {
      try bytes.withUnsafeBufferPointer { try check(inflateHead($0, format: .gzip, count: 4096)) }
      return try decompress(bytes, limit: limit)
    } catch let error as FileError {
      throw error.at(path)
    } catch let failure as InflateFailure {
      throw FileError(path: path, problem: words(failure, limit: limit), nextStep: damaged)
    }
  }

  /// Throws `FileError` if a file does not start like gzip data; the error names the kind of file that it is.
  private static func check(_ head: some Collection<UInt8>) throws {
    guard head.starts(with: [0x1F, 0x8B]) else {
      let words = FileFormat.words(head, wanted: "gzip data")
      throw FileError(
        problem: words.problem,
        nextStep: words.nextStep ?? "fetch the file again, or drop .gz from its name if it is not compressed")
    }
  }

  private static let damaged = "fetch the file again, it may have been cut short or damaged"

  private static func decompress(_ input: UnsafeBufferPointer<UInt8>, limit: Int) throws -> [UInt8] {
    try check(input)
    // The last four bytes are the length of the last member modulo 2^32; the first buffer gets this size.
    let expected = input.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    var output: [UInt8] = []
    var offset = 0
    while offset < input.count, input[offset...].contains(where: { $0 != 0 }) {
      do {
        let member = try inflateStream(
          UnsafeBufferPointer(rebasing: input[offset...]), format: .gzip, expected: expected,
          limit: limit - output.count)
        offset += member.consumed
        if output.isEmpty { output = member.bytes } else { output += member.bytes }
      } catch let failure as InflateFailure {
        throw FileError(problem: words(failure, limit: limit), nextStep: damaged)
      }
    }
    return output
  }

  /// The description of a failure, shared by gzip and zip.
  static func words(_ failure: InflateFailure, limit: Int) -> String {
    switch failure {
    case .truncated: "the compressed data ends too early"
    case .tooLarge: "the data expands to more than the limit of \(limit) bytes"
    case .damaged(let message): "the compressed data is damaged (zlib: \(message))"
    }
  }
}

/// Bytes as two hexadecimal digits each, separated by spaces.
func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
}
