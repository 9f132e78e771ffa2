import Glibc

/// The memory of one or more tensors: floats that come uninitialized from the pool and return to it when no tensor uses
/// them.
package final class Storage {
  package let count: Int
  private var memory: UnsafeMutablePointer<Float>?
  /// The gradient with which the memory will be filled when it is first requested; nil afterwards.
  private(set) var deferred: SparseWeightGradient?

  package init(count: Int) {
    self.count = count
    memory = BufferPool.shared.take(count: count)
  }

  /// Creates memory that is allocated and filled when it is first requested.
  init(_ deferred: SparseWeightGradient) {
    count = deferred.count
    self.deferred = deferred
  }

  package var pointer: UnsafeMutablePointer<Float> { memory ?? formed() }

  private func formed() -> UnsafeMutablePointer<Float> {
    let taken = BufferPool.shared.take(count: count)
    deferred?.form(into: taken, accumulates: 0)
    (memory, deferred) = (taken, nil)
    return taken
  }

  deinit {
    if let memory { BufferPool.shared.give(memory, count: count) }
  }
}

/// Keeps freed buffers by size class, so that a training step allocates no memory after the first steps and large
/// buffers are not returned to the system during a run.
///
/// With `AIRFRAME_POOL=off` in the environment, buffers are freed at once, so that the address sanitizer can detect
/// every misuse.
package final class BufferPool: Sendable {
  package static let shared = BufferPool()

  private let isOff = getenv("AIRFRAME_POOL").map { strcmp($0, "off") == 0 } ?? false
  private let free = Lock<[Int: [Address]]>([:])

  private static let hugePage = 1 << 21
  private static let smallestLarge = 1 << 22

  /// A buffer's address, which may move between threads: the thread that takes it from the pool is its only owner.
  private struct Address: @unchecked Sendable { let pointer: UnsafeMutableRawPointer }

  func take(count: Int) -> UnsafeMutablePointer<Float> {
    let bytes = BufferPool.capacity(for: count)
    if !isOff, let address = free.withLock({ $0[bytes]?.popLast() }) {
      return address.pointer.assumingMemoryBound(to: Float.self)
    }
    let isLarge = bytes >= BufferPool.smallestLarge
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: isLarge ? BufferPool.hugePage : 64)
    // Large buffers are read from end to end: pages of 2 MB reduce the CPU's address lookups.
    if isLarge { madvise(memory, bytes, MADV_HUGEPAGE) }
    return memory.bindMemory(to: Float.self, capacity: bytes / MemoryLayout<Float>.stride)
  }

  func give(_ pointer: UnsafeMutablePointer<Float>, count: Int) {
    if isOff { return UnsafeMutableRawPointer(pointer).deallocate() }
    let address = Address(pointer: UnsafeMutableRawPointer(pointer))
    free.withLock { $0[BufferPool.capacity(for: count), default: []].append(address) }
  }

  /// The size class in bytes: multiples of 64 up to 1 KiB, then steps of an eighth of the next lower power of two.
  static func capacity(for count: Int) -> Int {
    let bytes = max(count, 1) * MemoryLayout<Float>.stride
    let power = Int.bitWidth - 1 - bytes.leadingZeroBitCount
    let step = max(64, (1 << power) >> 3)
    return (bytes + step - 1) / step * step
  }
}
