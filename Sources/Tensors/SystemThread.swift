import Dispatch
import Glibc

/// Threads that this program starts itself, so that a missing thread is an error.
///
/// A dispatch queue waits forever without a message if the system gives it no thread, for example under `ulimit -v` or
/// a container's process limit.
package enum SystemThread {
  /// Runs `work` on a new thread, which ends when `work` returns. Throws `ResourceFailure` if the system gives no
  /// thread.
  package static func start(_ work: @escaping @Sendable () -> Void) throws {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    let task = Unmanaged.passRetained(Task(work))
    var thread = pthread_t()
    let code = pthread_create(
      &thread, &attributes,
      { pointer in
        if let pointer { Unmanaged<Task>.fromOpaque(pointer).takeRetainedValue().work() }
        return nil
      }, task.toOpaque())
    guard code == 0 else {
      task.release()
      throw ResourceFailure.thread(code: code)
    }
  }

  /// Runs `work` for each of 0 ..< count, each on its own thread, and returns when all are done. The calling thread
  /// runs index 0 and those for which the system gives no thread.
  package static func forEach(_ count: Int, _ work: @escaping @Sendable (Int) -> Void) {
    let ends = DispatchSemaphore(value: 0)
    var left: [Int] = []
    for index in 1..<max(1, count) {
      do {
        try start {
          work(index)
          ends.signal()
        }
      } catch {
        left.append(index)
      }
    }
    if count > 0 { work(0) }
    for index in left { work(index) }
    for _ in 0..<max(0, count - 1 - left.count) { ends.wait() }
  }

  private final class Task {
    let work: @Sendable () -> Void
    init(_ work: @escaping @Sendable () -> Void) { self.work = work }
  }
}

/// The system refuses a thread or memory that computing needs.
public enum ResourceFailure: Error, Equatable, CustomStringConvertible {
  /// `pthread_create` returned this code.
  case thread(code: Int32)
  /// The system refused this many bytes of address space, which matrix products need: an equal share for each thread.
  case memory(bytes: Int, threads: Int)

  public var description: String {
    switch self {
    case .thread(let code):
      "no further thread can be made: \(String(cString: strerror(code))); use fewer with --threads, or raise the limit of "
        + "processes (ulimit -u; pids.max of a container) or of memory (ulimit -v)"
    case .memory(let bytes, let threads):
      "matrix products on \(threads) \(threads == 1 ? "thread" : "threads") need \(bytes >> 20) MiB more of address space, "
        + "which the system does not give; raise the limit (ulimit -v), free some memory, or use fewer --threads"
    }
  }
}

/// The memory that the BLAS library allocates at its first products. If there is none, the library waits forever and
/// does not respond to anything.
enum ProductMemory {
  /// The bytes that OpenBLAS maps for each thread that multiplies on x86-64; on other CPUs it maps less.
  private static let share = 128 << 20

  /// Requests the memory from the system and returns it. Throws `ResourceFailure.memory` if the system refuses it.
  static func check(threads: Int) throws {
    let bytes = threads * share
    let place = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard place != MAP_FAILED else { throw ResourceFailure.memory(bytes: bytes, threads: threads) }
    munmap(place, bytes)
  }
}
