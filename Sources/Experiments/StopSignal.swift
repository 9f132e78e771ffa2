import Glibc
import Synchronization

/// Ctrl-C, SIGTERM and SIGHUP as a flag, which a training checks between steps and a sweep checks while it waits.
public enum StopSignal {
  /// The effect of a further signal after the first one.
  public enum Insistence: Sendable {
    /// The program ends immediately.
    case ends
    /// The flag `isInsisted` is set, for a program that has to end other processes first.
    case isTold
  }

  /// SIGHUP means that the terminal or connection was closed.
  static let numbers = [SIGINT, SIGTERM, SIGHUP]

  private static let received = Atomic<Int32>(0)
  private static let insisted = Atomic(false)
  private static let isTold = Atomic(false)
  /// The time of the first signal, in milliseconds of `CLOCK_MONOTONIC`.
  private static let moment = Atomic<Int>(0)
  /// The process that must stay alive while this one works; 0 if there is none.
  private static let parent = Atomic<Int32>(0)

  /// A second SIGTERM or SIGHUP only counts after this many milliseconds, because a batch system and a shell may both
  /// forward the first.
  static let patience = 3000

  /// Makes the signals set the flag. A second Ctrl-C, and any signal some seconds after the first, have the effect
  /// `insistence`.
  public static func watch(_ insistence: Insistence = .ends) {
    isTold.store(insistence == .isTold, ordering: .relaxed)
    // The parent process may have left the signals blocked.
    var wanted = sigset_t()
    sigemptyset(&wanted)
    for number in numbers { sigaddset(&wanted, number) }
    pthread_sigmask(SIG_UNBLOCK, &wanted, nil)
    for number in numbers { treat(number) { StopSignal.receive($0) } }
  }

  /// Installs a handler, unless the signal is an ignored SIGHUP: nohup(1) ignores it for programs that outlive the
  /// terminal.
  private static func treat(_ number: Int32, _ handler: sighandler_t?) {
    let before = signal(number, handler)
    if number == SIGHUP, unsafeBitCast(before, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) {
      signal(number, SIG_IGN)
    }
  }

  /// Restores the default effect of the signals, which end the program. It is for work that loses nothing when it ends.
  ///
  /// Throws `Ended` if a signal arrived before.
  static func unwatch() throws {
    for number in numbers { treat(number, SIG_DFL) }
    if let current { throw Ended(signal: current) }
  }

  /// The program was asked to end when it had nothing to save.
  public struct Ended: Error, CustomStringConvertible {
    public let signal: Int32
    public var description: String { "stopped by signal \(signal); run the same command to resume" }
  }

  /// Handles a signal. It may only use operations that are allowed in signal handlers.
  private static func receive(_ number: Int32) {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    let now = time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    let (isFirst, first) = received.compareExchange(expected: 0, desired: number, ordering: .relaxed)
    if isFirst { return moment.store(now, ordering: .relaxed) }
    guard number == SIGINT && first == SIGINT || now - moment.load(ordering: .relaxed) >= patience else { return }
    if !isTold.load(ordering: .relaxed) { _exit(128 + number) }
    insisted.store(true, ordering: .relaxed)
  }

  /// The signal that arrived, nil if there was none. SIGTERM if the process that must stay alive has ended.
  static var current: Int32? {
    let number = received.load(ordering: .relaxed)
    if number != 0 { return number }
    let parent = parent.load(ordering: .relaxed)
    return parent != 0 && getppid() != parent ? SIGTERM : nil
  }

  /// Whether a further signal after the first one demands an immediate end.
  static var isInsisted: Bool { insisted.load(ordering: .relaxed) }

  /// The environment variable with a sweep's process number. The sweep sets it for its cells, so that they end with the
  /// sweep.
  static let parentVariable = "AIRFRAME_SWEEP_PROCESS"

  /// From now on, the end of the sweep that started this process, for whatever reason, counts as SIGTERM. Does nothing
  /// if no sweep started it.
  static func followSweep() {
    guard let process = getenv(parentVariable).flatMap({ Int32(String(cString: $0)) }) else { return }
    unsetenv(parentVariable)
    parent.store(process, ordering: .relaxed)
  }
}

/// A training that was asked to stop and saved a checkpoint first.
public struct Interruption: Error, CustomStringConvertible {
  public let signal: Int32
  public let folder: String
  public let step: Int
  public var description: String {
    "stopped after step \(step), which is saved; resume with `airframe train --resume \(folder)`"
  }
}

/// A training that could not continue for a reason outside the config, such as a full disk.
public struct TrainingFailure: Error, CustomStringConvertible {
  public let folder: String
  public let reason: String
  /// The step of the newest checkpoint.
  public let kept: Int?
  public var description: String {
    let way = "once that is fixed, resume with `airframe train --resume \(folder)`"
    return "\(reason). The training has stopped; "
      + (kept.map { "the checkpoint after step \($0) is kept: \(way)" } ?? "no checkpoint was reached; \(way)")
  }
}
