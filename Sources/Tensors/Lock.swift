import Glibc

/// A value that one thread at a time may see.
///
/// As `Synchronization.Mutex`, over a POSIX mutex: the thread sanitizer cannot see through the former on Linux and would
/// take all that it guards for races.
package final class Lock<Value>: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private var value: Value

  /// Takes over the value: nobody else may hold a reference to what it can change.
  package init(_ value: Value) {
    self.value = value
    pthread_mutex_init(mutex, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  /// What `body` returns, which no other thread's `body` runs beside. Not to be nested.
  package func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&value)
  }
}
