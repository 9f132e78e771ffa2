import Glibc
import Synchronization

/// Ctrl-C, SIGTERM and SIGHUP, turned into a flag that a training looks at between steps, and a sweep while it waits.
public enum StopSignal {
  /// What a signal does that comes after the first one.
  public enum Insistence: Sendable {
    /// The program ends at once.
    case ends
    /// The flag `isInsisted` is set: who looks at it has processes to end before.
    case isTold
  }

  /// SIGHUP tells of a terminal or connection that went away.
  static let numbers = [SIGINT, SIGTERM, SIGHUP]

  private static let received = Atomic<Int32>(0)
  private static let insisted = Atomic(false)
  private static let isTold = Atomic(false)
  /// When the first one came, in milliseconds of `CLOCK_MONOTONIC`.
  private static let moment = Atomic<Int>(0)
  /// The process that has to live while this one works; 0 where there is none.
  private static let parent = Atomic<Int32>(0)

  /// Milliseconds after which a second SIGTERM or SIGHUP is meant: a batch system and a shell may both pass on the first.
  static let patience = 3000

  /// From now on the signals set the flag. A second Ctrl-C, and any signal some seconds after the first, insist.
  public static func watch(_ insistence: Insistence = .ends) {
    isTold.store(insistence == .isTold, ordering: .relaxed)
    // Whoever started the program may have left them blocked.
    var wanted = sigset_t()
    sigemptyset(&wanted)
    for number in numbers { sigaddset(&wanted, number) }
    pthread_sigmask(SIG_UNBLOCK, &wanted, nil)
    for number in numbers { treat(number) { StopSignal.receive($0) } }
  }

  /// nohup(1) has SIGHUP ignored, for programs that outlive the terminal; that stays.
  private static func treat(_ number: Int32, _ handler: sighandler_t?) {
    let before = signal(number, handler)
    if number == SIGHUP, unsafeBitCast(before, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) {
      signal(number, SIG_IGN)
    }
  }

  /// From now on a signal ends the program as if nobody had watched: for work that loses nothing. Throws `Ended` where one
  /// came before.
  static func unwatch() throws {
    for number in numbers { treat(number, SIG_DFL) }
    if let current { throw Ended(signal: current) }
  }

  /// The program was asked to end when it had nothing to save.
  public struct Ended: Error, CustomStringConvertible {
    public let signal: Int32
    public var description: String { "stopped by signal \(signal); the same command goes on" }
  }

  /// Only what a signal handler may do.
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

  /// The signal that came, if one did; SIGTERM where the process is gone that has to live while this one works.
  static var current: Int32? {
    let number = received.load(ordering: .relaxed)
    if number != 0 { return number }
    let parent = parent.load(ordering: .relaxed)
    return parent != 0 && getppid() != parent ? SIGTERM : nil
  }

  /// Whether a signal came after the first one that means that there is no more time.
  static var isInsisted: Bool { insisted.load(ordering: .relaxed) }

  /// The environment variable in which a sweep gives its process to the cells that it starts: a cell does not outlive it.
  static let parentVariable = "AIRFRAME_SWEEP_PROCESS"

  /// From now on the end of the sweep that started this process, however it came about, counts as SIGTERM. Without one
  /// nothing changes.
  static func followSweep() {
    guard let process = getenv(parentVariable).flatMap({ Int32(String(cString: $0)) }) else { return }
    unsetenv(parentVariable)
    parent.store(process, ordering: .relaxed)
  }
}

/// A training that was asked to stop, and saved itself first.
public struct Interruption: Error, CustomStringConvertible {
  public let signal: Int32
  public let folder: String
  public let step: Int
  public var description: String {
    "stopped after step \(step), which is saved; go on with `airframe train --resume \(folder)`"
  }
}

/// A training that could not go on for a reason outside the config: a full disk, for example.
public struct TrainingFailure: Error, CustomStringConvertible {
  public let folder: String
  public let reason: String
  /// The newest checkpoint.
  public let kept: Int?
  public var description: String {
    let way = "once that is mended, go on with `airframe train --resume \(folder)`"
    return "\(reason). The training has stopped; "
      + (kept.map { "the checkpoint after step \($0) is kept: \(way)" } ?? "no checkpoint was reached; \(way)")
  }
}
