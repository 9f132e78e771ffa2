@preconcurrency import Glibc
import Pictures

/// A program that runs as a child process, with its output written to a file.
final class ChildProcess {
  let identifier: pid_t
  private var status: Int32?

  /// Starts a program. Throws `RunError`.
  init(_ program: String, _ arguments: [String], output: String) throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o666)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    var words = ([program] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var identifier: pid_t = 0
    let code = posix_spawn(&identifier, program, &actions, nil, &words, environ)
    guard code == 0 else {
      throw RunError("\(program) cannot be started: \(String(cString: strerror(code)))")
    }
    self.identifier = identifier
  }

  /// The exit status after the process has ended, or 128 plus the signal number if a signal ended it; nil while it
  /// runs.
  func poll() -> Int32? {
    if let status { return status }
    var raw: Int32 = 0
    guard waitpid(identifier, &raw, WNOHANG) == identifier else { return nil }
    let signal = raw & 0x7F
    status = signal == 0 ? raw >> 8 & 0xFF : 128 + signal
    return status
  }

  /// Sends a signal. A stopped process (SIGSTOP, Ctrl-Z) is continued, because it would not receive the signal
  /// otherwise.
  func send(_ signal: Int32) {
    guard poll() == nil else { return }
    kill(identifier, signal)
    if signal != SIGKILL { kill(identifier, SIGCONT) }
  }
}

/// The path of this program.
func ownProgram() -> String {
  var path = [CChar](repeating: 0, count: 4097)
  let count = readlink("/proc/self/exe", &path, 4096)
  return count > 0 ? String(decoding: path[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : "airframe"
}

/// The numbers of the processor cores that this process may use; empty if the system does not report them.
func ownCores() -> [Int] {
  guard let status = try? readFile("/proc/self/status") else { return [] }
  let key = "Cpus_allowed_list:"
  let line = String(decoding: status, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix(key) }
  // For example `0-3,8`.
  return (line?.dropFirst(key.count).split(separator: ",") ?? []).flatMap { part -> [Int] in
    let ends = part.split(separator: "-").compactMap { Int($0.filter { $0.isNumber }) }
    guard let first = ends.first, let last = ends.last, first <= last else { return [] }
    return Array(first...last)
  }
}
