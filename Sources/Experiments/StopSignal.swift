import Glibc
import Synchronization

/// Ctrl-C and SIGTERM, turned into a flag that a training looks at between steps.
public enum StopSignal {
  private static let received = Atomic<Int32>(0)

  /// From now on the signals set the flag. A Ctrl-C after another signal ends the program at once; SIGTERM may come twice
  /// for one reason, where both a batch system and a shell pass it on.
  public static func watch() {
    // Whoever started the program may have left them blocked.
    var wanted = sigset_t()
    sigemptyset(&wanted)
    for number in [SIGINT, SIGTERM] { sigaddset(&wanted, number) }
    pthread_sigmask(SIG_UNBLOCK, &wanted, nil)
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        if StopSignal.received.exchange(number, ordering: .relaxed) != 0, number == SIGINT { _exit(128 + number) }
      }
    }
  }

  /// The signal that came, if one did.
  static var current: Int32? {
    let number = received.load(ordering: .relaxed)
    return number == 0 ? nil : number
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
