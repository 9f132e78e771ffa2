import Glibc

/// A value that only one thread at a time can access.
///
/// It works like `Synchronization.Mutex` but uses a POSIX mutex: on Linux the thread sanitizer does not understand the
/// former and would report every access that it guards as a race.
package final class Lock<Value>: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private var value: Value

  /// Takes over the value. Nothing else may hold a reference to memory that the value can change.
  package init(_ value: Value) {
    self.value = value
    pthread_mutex_init(mutex, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  /// Runs `body` while no other thread runs a `body` of this lock, and returns its result. Must not be nested.
  package func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&value)
  }
}
