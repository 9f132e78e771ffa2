import Glibc

/// The memory of one or more tensors: floats that come from the pool uninitialized and return to it with their last user.
package final class Storage {
  package let pointer: UnsafeMutablePointer<Float>
  package let count: Int

  package init(count: Int) {
    self.count = count
    pointer = BufferPool.shared.take(count: count)
  }

  deinit { BufferPool.shared.give(pointer, count: count) }
}

/// Keeps freed buffers by size class, so that a training step in its steady state allocates nothing
/// and large buffers never go back to the system within a run.
///
/// `AIRFRAME_POOL=off` in the environment frees at once, which lets the address sanitizer see every misuse.
package final class BufferPool: Sendable {
  package static let shared = BufferPool()

  private let isOff = getenv("AIRFRAME_POOL").map { strcmp($0, "off") == 0 } ?? false
  private let free = Lock<[Int: [Address]]>([:])

  /// A buffer's address that may cross threads: whoever takes it from the pool owns it alone.
  private struct Address: @unchecked Sendable { let pointer: UnsafeMutableRawPointer }

  func take(count: Int) -> UnsafeMutablePointer<Float> {
    let bytes = BufferPool.capacity(for: count)
    if !isOff, let address = free.withLock({ $0[bytes]?.popLast() }) {
      return address.pointer.assumingMemoryBound(to: Float.self)
    }
    return UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64).bindMemory(
      to: Float.self, capacity: bytes / MemoryLayout<Float>.stride)
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
