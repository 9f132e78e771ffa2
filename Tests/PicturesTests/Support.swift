import Glibc
import Testing

/// A folder of real files in the data folder that `AIRFRAME_DATA` names; nil if it does not exist.
func dataFolder(_ name: String) -> String? {
  guard let data = getenv("AIRFRAME_DATA").map({ String(cString: $0) }) else { return nil }
  return access("\(data)/\(name)", R_OK) == 0 ? "\(data)/\(name)" : nil
}

/// Runs `body` with a temporary folder, which is removed afterwards with its files.
func withTemporaryFolder(_ body: (String) throws -> Void) throws {
  let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
  var template = Array("\(base)/pictures-tests-XXXXXX".utf8CString)
  let made = template.withUnsafeMutableBufferPointer { buffer in
    buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
  }
  let folder = try #require(made)
  defer {
    for name in fileNames(in: folder) { unlink("\(folder)/\(name)") }
    rmdir(folder)
  }
  try body(folder)
}

/// The names in a folder, sorted, without `.` and `..`.
func fileNames(in folder: String) -> [String] {
  guard let handle = opendir(folder) else { return [] }
  defer { closedir(handle) }
  var names: [String] = []
  while let entry = readdir(handle) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
      pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if name != "." && name != ".." { names.append(name) }
  }
  return names.sorted()
}

/// The message of the error that is thrown. If nothing is thrown, the test fails.
func message(of body: () throws -> Void) -> String {
  do {
    try body()
  } catch {
    return "\(error)"
  }
  Issue.record("nothing was thrown")
  return ""
}

/// All proper prefixes of the bytes, and `flips` copies with one to four flipped bits, drawn from a fixed seed.
func damaged(_ bytes: [UInt8], flips: Int = 400) -> [[UInt8]] {
  var random = SplitMix(state: 42)
  let prefixes = bytes.indices.map { Array(bytes[..<$0]) }
  let flipped = (0..<flips).map { _ in
    var copy = bytes
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      copy[Int.random(in: copy.indices, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    }
    return copy
  }
  return prefixes + flipped
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
