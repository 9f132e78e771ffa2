import Glibc

/// The memory of one or more tensors: floats that come from the pool uninitialized and return to it with their last user.
package final class Storage {
  package let count: Int
  private var memory: UnsafeMutablePointer<Float>?
  /// What the memory will hold, until somebody asks for the memory.
  private(set) var deferred: SparseWeightGradient?

  package init(count: Int) {
    self.count = count
    memory = BufferPool.shared.take(count: count)
  }

  /// Memory that is taken and filled when it is first asked for.
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

/// Keeps freed buffers by size class, so that a training step in its steady state allocates nothing
/// and large buffers never go back to the system within a run.
///
/// `AIRFRAME_POOL=off` in the environment frees at once, which lets the address sanitizer see every misuse.
package final class BufferPool: Sendable {
  package static let shared = BufferPool()

  private let isOff = getenv("AIRFRAME_POOL").map { strcmp($0, "off") == 0 } ?? false
  private let free = Lock<[Int: [Address]]>([:])

  private static let hugePage = 1 << 21
  private static let smallestLarge = 1 << 22

  /// A buffer's address that may cross threads: whoever takes it from the pool owns it alone.
  private struct Address: @unchecked Sendable { let pointer: UnsafeMutableRawPointer }

  func take(count: Int) -> UnsafeMutablePointer<Float> {
    let bytes = BufferPool.capacity(for: count)
    if !isOff, let address = free.withLock({ $0[bytes]?.popLast() }) {
      return address.pointer.assumingMemoryBound(to: Float.self)
    }
    let isLarge = bytes >= BufferPool.smallestLarge
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: isLarge ? BufferPool.hugePage : 64)
    // Large buffers are read from end to end: with pages of 2 MB, the CPU looks up few addresses.
    if isLarge { madvise(memory, bytes, MADV_HUGEPAGE) }
    return memory.bindMemory(to: Float.self, capacity: bytes / MemoryLayout<Float>.stride)
  }

  func give(_ pointer: UnsafeMutablePointer<Float>, count: Int) {
    if isOff { return UnsafeMutableRawPointer(pointer).deallocate() }
    let address = Address(pointer: UnsafeMutableRawPointer(pointer))
    free.withLock { $0[BufferPool.capacity(for: count), default: []].append(address) }
  }

  /// Size class in bytes: multiples of 64 up to 1 KiB, then steps of an eighth of the power of two below.
  static func capacity(for count: Int) -> Int {
    let bytes = max(count, 1) * MemoryLayout<Float>.stride
    let power = Int.bitWidth - 1 - bytes.leadingZeroBitCount
    let step = max(64, (1 << power) >> 3)
    return (bytes + step - 1) / step * step
  }
}
