import Glibc

/// Decodes two-byte GBK codes to characters with the C library's `iconv`.
final class GBK {
  private let converter: iconv_t

  /// Throws if the C library lacks the tables of GBK.
  init() throws {
    guard let converter = iconv_open("UTF-32LE", "GBK"), converter != iconv_t(bitPattern: -1) else {
      throw DatasetError.unusable(
        place: "GBK", problem: "the system's iconv does not know this encoding",
        remedy: "install its tables (Debian: apt-get install libc6, on newer ones libc-gconv-modules-extra)")
    }
    self.converter = converter
  }

  deinit { iconv_close(converter) }

  /// The character of two bytes: a two-byte character, or an ASCII character followed by a zero byte. Nil if there is
  /// none.
  func character(_ high: UInt8, _ low: UInt8) -> Unicode.Scalar? {
    guard high >= 0x80 else { return low == 0 && (0x21..<0x7F).contains(high) ? Unicode.Scalar(high) : nil }
    var input = [CChar(bitPattern: high), CChar(bitPattern: low)]
    var output = [UInt8](repeating: 0, count: 8)
    let (isWhole, room) = input.withUnsafeMutableBufferPointer { input in
      output.withUnsafeMutableBytes { output in
        var source = input.baseAddress
        var target = output.baseAddress?.assumingMemoryBound(to: CChar.self)
        var (left, room) = (input.count, output.count)
        // Resets the state, so that earlier calls have no influence.
        iconv(converter, nil, nil, nil, nil)
        let result = iconv(converter, &source, &left, &target, &room)
        return (result == 0 && left == 0, room)
      }
    }
    guard isWhole, room == 4 else { return nil }
    return Unicode.Scalar(output[..<4].reversed().reduce(0) { $0 << 8 | UInt32($1) })
  }
}
