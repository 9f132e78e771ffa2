import CKernels
import Dispatch
import Glibc
import Synchronization

/// The number of threads that a training step uses, and how they share its work.
///
/// Work is divided into one part per thread. The parts depend only on the sizes and the thread count, so results do not
/// depend on scheduling. With one thread nothing is divided and no thread is started.
public enum Threads {
  private static let wanted = Atomic(1)

  /// Starts the threads and checks that there is memory for their matrix products. Call it once, before any work.
  ///
  /// Throws `ResourceFailure` if the system refuses a thread or memory.
  public static func use(_ count: Int) throws {
    try Crew.shared.grow(to: max(1, count) - 1)
    try ProductMemory.check(threads: max(1, count))
    wanted.store(max(1, count), ordering: .relaxed)
  }

  /// The number of threads in use.
  public static var count: Int { wanted.load(ordering: .relaxed) }

  /// Runs `work` on all of 0 ..< size in parts, on several threads at once.
  ///
  /// The size of each part but the last is a multiple of `grain`. There are at most as many parts as threads, and at
  /// most size / `smallest`, so that a part has about `smallest` elements or more. The parts must not depend on each
  /// other.
  package static func divide(
    _ size: Int, grain: Int = 1, smallest: Int = 1, _ work: @escaping (_ part: Range<Int>) -> Void
  ) {
    let parts = min(count, size / max(1, smallest))
    guard parts > 1 else { return work(0..<size) }
    let share = (size + parts * grain - 1) / (parts * grain) * grain
    let bounds = { (part: Int) in min(size, part * share)..<min(size, (part + 1) * share) }
    Crew.shared.run(parts) { part in
      let range = bounds(part)
      if !range.isEmpty { work(range) }
    }
  }
}

/// Threads that wait for parts of work. After each part they spin for a while; if no work comes, they sleep.
private final class Crew: Sendable {
  static let shared = Crew()

  /// Held by the thread whose work is being done. Another thread that asks in the meantime does all its parts itself.
  private let turn = Atomic(false)
  private let members = Lock<[Member]>([])

  /// Starts threads until there are this many. Throws `ResourceFailure`.
  func grow(to count: Int) throws {
    try members.withLock { members in
      while members.count < count { members.append(try Member()) }
    }
  }

  func run(_ parts: Int, _ work: @escaping (Int) -> Void) {
    guard turn.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged else {
      for part in 0..<parts { work(part) }
      return
    }
    defer { turn.store(false, ordering: .releasing) }
    let helpers = members.withLock { $0.prefix(parts - 1) }
    for (index, helper) in helpers.enumerated() { helper.begin(Job(work: work, part: index + 1)) }
    work(0)
    for helper in helpers { helper.finish() }
  }

  /// One part of a caller's work. It is done before the caller's `run` returns; the caller waits for it.
  private struct Job: @unchecked Sendable {
    let work: (Int) -> Void
    let part: Int
  }

  /// One thread.
  private final class Member: Sendable {
    private let given = Atomic(0)
    private let done = Atomic(0)
    private let isAsleep = Atomic(false)
    private let alarm = DispatchSemaphore(value: 0)
    private let job = Lock<Job?>(nil)

    /// The number of turns of the waiting loop before a thread falls asleep, about 50 microseconds.
    private static let patience = 2000

    /// Throws `ResourceFailure`.
    init() throws { try SystemThread.start { [self] in live() } }

    func begin(_ next: Job) {
      job.withLock { $0 = next }
      given.add(1, ordering: .sequentiallyConsistent)
      if isAsleep.exchange(false, ordering: .sequentiallyConsistent) { alarm.signal() }
    }

    func finish() {
      let wanted = given.load(ordering: .relaxed)
      var turns = 0
      while done.load(ordering: .acquiring) != wanted {
        turns += 1
        // If there are more threads than cores, the other thread may need this one's core.
        if turns % 4096 == 0 { sched_yield() } else { ck_pause() }
      }
    }

    private func live() {
      var seen = 0
      while true {
        wait(after: seen)
        seen += 1
        let next = job.withLock { job in
          defer { job = nil }
          return job
        }
        if let next { next.work(next.part) }
        done.store(seen, ordering: .releasing)
      }
    }

    /// Returns when more than `seen` jobs have been given.
    private func wait(after seen: Int) {
      while true {
        for _ in 0..<Member.patience {
          if given.load(ordering: .acquiring) > seen { return }
          ck_pause()
        }
        isAsleep.store(true, ordering: .sequentiallyConsistent)
        if given.load(ordering: .sequentiallyConsistent) > seen {
          // The thread that gave the job may have signaled already.
          if !isAsleep.exchange(false, ordering: .sequentiallyConsistent) { alarm.wait() }
          return
        }
        alarm.wait()
      }
    }
  }
}
