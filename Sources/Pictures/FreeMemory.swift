import Glibc

/// The memory that this process can still take, so that what would not fit is refused before it is tried.
package enum FreeMemory {
  /// Less is never refused: asking costs more than it is worth.
  private static let unasked = 1 << 26

  /// Throws `FileError` where so many bytes more would not fit.
  package static func require(_ bytes: Int) throws {
    guard bytes > unasked, let free = bytesFree(), bytes > free else { return }
    throw FileError(
      problem: "takes \(megabytes(bytes)) of memory to read, and \(megabytes(free)) are free",
      nextStep: "free some memory, or make the file smaller")
  }

  /// What the system, the control group and the limit of this process leave; nil where none of them says.
  private static func bytesFree() -> Int? {
    let system = field("MemAvailable:", of: "/proc/meminfo").map { $0 << 10 }
    return [system, groupLeaves, limitLeaves].compactMap { $0 }.min()
  }

  /// What `ulimit -v` leaves.
  private static var limitLeaves: Int? {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(9), &limit) == 0, limit.rlim_cur < UInt64(Int.max) else { return nil }
    let used = field("VmSize:", of: "/proc/self/status").map { $0 << 10 } ?? 0
    return max(0, Int(limit.rlim_cur) - used)
  }

  /// What the limit of a container leaves (control groups, version 2).
  private static var groupLeaves: Int? {
    let group =
      text("/proc/self/cgroup").split(separator: "\n").first { $0.hasPrefix("0::") }.map { String($0.dropFirst(3)) }
      ?? "/"
    for folder in ["/sys/fs/cgroup\(group)", "/sys/fs/cgroup"] {
      func number(_ name: String) -> Int? { Int(text("\(folder)/\(name)").filter { $0.isNumber }) }
      // Files that the system has kept in memory, and would let go, count as used.
      if let limit = number("memory.max"), let used = number("memory.current") {
        return max(0, limit - used + (field("inactive_file", of: "\(folder)/memory.stat") ?? 0))
      }
    }
    return nil
  }

  /// The number after a name, as in `MemAvailable:  3012 kB`.
  private static func field(_ name: String, of path: String) -> Int? {
    let line = text(path).split(separator: "\n").first { $0.hasPrefix(name) }
    return line.flatMap { $0.split(whereSeparator: \.isWhitespace).dropFirst().first }.flatMap { Int($0) }
  }

  private static func text(_ path: String) -> String {
    ((try? readFile(path, limit: 1 << 20)).map { String(decoding: $0, as: UTF8.self) }) ?? ""
  }

  private static func megabytes(_ bytes: Int) -> String { "\(max(1, bytes >> 20)) MiB" }
}
