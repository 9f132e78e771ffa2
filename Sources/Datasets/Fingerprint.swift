import Glibc
import Pictures

/// A 64-bit hash (FNV-1a) of the contents of a dataset's files. The config is not part of it; it is compared key by
/// key.
struct Fingerprint {
  private var state: UInt64 = 0xCBF2_9CE4_8422_2325

  /// Starts with the version of the drawing code. Raise it when the same config and files give different scenes.
  init(_ name: String, version: Int) { add("\(name) \(version)") }

  /// Adds a text and a byte that marks its end.
  mutating func add(_ text: String) { add(text.utf8 + [0]) }

  /// Adds a gzip file by the checksum and length of its content, which are its last eight bytes (RFC 1952). The same
  /// content compressed differently therefore gives the same fingerprint. A file that cannot be read adds nothing.
  mutating func add(gzipFile path: String) {
    if let (end, _) = Self.end(of: path, bytes: 8) { add(end) }
  }

  /// Adds a file by its length and last bytes. A file that cannot be read, or is shorter than that, adds nothing.
  mutating func add(endOf path: String, bytes count: Int) {
    guard let (end, length) = Self.end(of: path, bytes: count) else { return }
    add("\(length)")
    add(end)
  }

  /// Adds a file by its length and 64 evenly spaced samples of 16 KiB, which cover all of a file of up to 1 MiB. A file
  /// that cannot be read adds nothing.
  mutating func add(samplesOf path: String) {
    guard let file = Self.opened(path) else { return }
    defer { fclose(file) }
    guard fseek(file, 0, SEEK_END) == 0 else { return }
    let (length, size, samples) = (ftell(file), 1 << 14, 64)
    add("\(length)")
    var bytes = [UInt8](repeating: 0, count: size)
    for sample in 0..<samples {
      let start = length <= samples * size ? sample * size : (length - size) / (samples - 1) * sample
      guard fseek(file, start, SEEK_SET) == 0 else { return }
      let count = fread(&bytes, 1, size, file)
      add(bytes[..<count])
    }
  }

  /// Opens a regular file only, because opening a pipe could wait forever.
  private static func opened(_ path: String) -> UnsafeMutablePointer<FILE>? {
    (try? openForReading(path)).flatMap { fdopen($0.descriptor, "rb") }
  }

  private static func end(of path: String, bytes count: Int) -> (bytes: [UInt8], length: Int)? {
    guard let file = opened(path) else { return nil }
    defer { fclose(file) }
    var end = [UInt8](repeating: 0, count: count)
    guard fseek(file, -count, SEEK_END) == 0, fread(&end, 1, count, file) == count else { return nil }
    return (end, ftell(file))
  }

  mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
  }

  /// 16 hexadecimal digits.
  var text: String {
    let digits = String(state, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
