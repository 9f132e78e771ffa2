import Glibc

/// The memory that this process can still allocate. Requests that would not fit are refused in advance.
package enum FreeMemory {
  /// Smaller requests are never refused, because checking them costs more than it is worth.
  private static let unasked = 1 << 26

  /// Throws `FileError` if allocating `bytes` more bytes would exceed the free memory.
  package static func require(_ bytes: Int) throws {
    guard bytes > unasked, let free = bytesFree(), bytes > free else { return }
    throw FileError(
      problem: "takes \(megabytes(bytes)) of memory to read, and \(megabytes(free)) are free",
      nextStep: "free some memory, or make the file smaller")
  }

  /// The least of what the system, the control group and the limit of this process leave; nil if all are unknown.
  private static func bytesFree() -> Int? {
    let system = field("MemAvailable:", of: "/proc/meminfo").map { $0 << 10 }
    return [system, groupLeaves, limitLeaves].compactMap { $0 }.min()
  }

  /// The bytes that the process may still allocate under `ulimit -v`; nil without such a limit.
  private static var limitLeaves: Int? {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(9), &limit) == 0, limit.rlim_cur < UInt64(Int.max) else { return nil }
    let used = field("VmSize:", of: "/proc/self/status").map { $0 << 10 } ?? 0
    return max(0, Int(limit.rlim_cur) - used)
  }

  /// The bytes that are left under a container's limit (control groups, version 2); nil without such a limit.
  private static var groupLeaves: Int? {
    let group =
      text("/proc/self/cgroup").split(separator: "\n").first { $0.hasPrefix("0::") }.map { String($0.dropFirst(3)) }
      ?? "/"
    for folder in ["/sys/fs/cgroup\(group)", "/sys/fs/cgroup"] {
      func number(_ name: String) -> Int? { Int(text("\(folder)/\(name)").filter { $0.isNumber }) }
      // `memory.current` includes cached files that the system can release.
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
