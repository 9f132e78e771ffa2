@preconcurrency import Glibc
import Tensors

/// Runs a program of the system, such as curl, without a shell, and waits for its end. The program is searched along
/// PATH.
enum SystemCommand {
  struct Result {
    /// Standard output and standard error together, in the order in which they were written.
    let output: String
    /// The exit status, or 128 plus the signal number if a signal ended the program, as in shells.
    let status: Int32

    var succeeded: Bool { status == 0 }
  }

  enum Failure: Error, Equatable {
    /// PATH has no such program.
    case missing(program: String)
    /// The system could not start the program.
    case notStarted(program: String, reason: String)
    /// Ctrl-C ended the program.
    case interrupted
  }

  /// Programs run one at a time, because the handling of Ctrl-C is global to the process.
  private static let turn = Lock(())

  /// Runs a program to its end. Throws `Failure`.
  ///
  /// `environment` is added to the environment of this process. Ctrl-C only ends the program, and the caller can clean
  /// up after it receives `Failure.interrupted`.
  static func run(
    _ program: String, _ arguments: [String], environment: [String: String] = [:]
  ) throws -> Result {
    try alone { try start(program, arguments, environment).finish() }
  }

  /// Runs a program and passes its standard output in chunks to `receive`. If `receive` returns false, the program is
  /// ended.
  ///
  /// The output of the result is the standard error, which may be no longer than a pipe's 64 KiB. When this process
  /// ends for any reason, the next write of the program ends the program. Throws `Failure`.
  static func run(
    _ program: String, _ arguments: [String], receive: (UnsafeRawBufferPointer) -> Bool
  ) throws -> Result {
    try alone {
      let running = try start(program, arguments, separatingErrors: true)
      if !running.drain(receive) { kill(running.process, SIGTERM) }
      return try running.finish()
    }
  }

  private static func alone(_ body: () throws -> Result) throws -> Result {
    try turn.withLock { _ in
      let handlers = [SIGINT, SIGQUIT].map { (signal: $0, handler: signal($0, SIG_IGN)) }
      defer { for (number, handler) in handlers { signal(number, handler) } }
      return try body()
    }
  }

  /// A running program, and the reading ends of its pipes.
  private struct Running {
    let process: pid_t
    /// The pipe of standard error, and of standard output if that has no separate pipe.
    let pipe: Int32
    let output: Int32?

    /// Passes on the standard output until it ends. Returns false if `receive` refused more.
    func drain(_ receive: (UnsafeRawBufferPointer) -> Bool) -> Bool {
      guard let output else { return true }
      defer { close(output) }
      var chunk = [UInt8](repeating: 0, count: 1 << 16)
      while true {
        let count = Glibc.read(output, &chunk, chunk.count)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return true }
        let goesOn = chunk.withUnsafeBytes { receive(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        guard goesOn else { return false }
      }
    }

    func finish() throws -> Result {
      let output = read()
      var status: Int32 = 0
      while waitpid(process, &status, 0) < 0 && errno == EINTR {}
      // The low seven bits are the signal that ended the program. The next byte is its exit status.
      let signal = status & 0x7F
      guard signal != SIGINT else { throw Failure.interrupted }
      return Result(output: output, status: signal == 0 ? status >> 8 & 0xFF : 128 + signal)
    }

    /// Reads until the program closes its end.
    private func read() -> String {
      defer { close(pipe) }
      var bytes: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 4096)
      while true {
        let count = Glibc.read(pipe, &chunk, chunk.count)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
        bytes += chunk[..<count]
      }
    }
  }

  /// The reading and the writing end of a pipe that is not inherited by other programs.
  private static func makePipe(for program: String) throws -> (reading: Int32, writing: Int32) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw notStarted(program, errno) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  private static func start(
    _ program: String, _ arguments: [String], _ environment: [String: String] = [:], separatingErrors: Bool = false
  ) throws -> Running {
    let ends = try makePipe(for: program)
    defer { close(ends.writing) }
    let output: (reading: Int32, writing: Int32)? = separatingErrors ? try makePipe(for: program) : nil
    defer { if let output { close(output.writing) } }

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, (output ?? ends).writing, 1)
    posix_spawn_file_actions_adddup2(&actions, ends.writing, 2)

    // The program must receive the signals that this process ignores for now or that this thread blocks.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var heeded = sigset_t()
    sigemptyset(&heeded)
    for number in [SIGINT, SIGQUIT, SIGPIPE, SIGXFSZ] { sigaddset(&heeded, number) }
    posix_spawnattr_setsigdefault(&attributes, &heeded)
    var blocked = sigset_t()
    sigemptyset(&blocked)
    posix_spawnattr_setsigmask(&attributes, &blocked)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

    var words = ([program] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    // The given variables override those of this process.
    var variables = environment.map { strdup("\($0)=\($1)") }
    defer { for variable in variables { free(variable) } }
    var inherited = environ
    while let variable = inherited.pointee {
      let name = String(cString: variable).prefix { $0 != "=" }
      if environment[String(name)] == nil { variables.append(strdup(variable)) }
      inherited += 1
    }
    variables.append(nil)
    var process: pid_t = 0
    let code = posix_spawnp(&process, program, &actions, &attributes, &words, &variables)
    if code != 0 {
      close(ends.reading)
      if let output { close(output.reading) }
      throw code == ENOENT ? Failure.missing(program: program) : notStarted(program, code)
    }
    return Running(process: process, pipe: ends.reading, output: output?.reading)
  }

  private static func notStarted(_ program: String, _ code: Int32) -> Failure {
    .notStarted(program: program, reason: strerror(code).map { String(cString: $0) } ?? "error \(code)")
  }
}
