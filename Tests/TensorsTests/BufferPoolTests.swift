import Foundation
import Testing

@testable import Tensors

@Suite struct BufferPoolTests {
  @Test func capacityHoldsTheCountWithLittleWaste() {
    for count in Array(0...5000) + [1 << 20, (1 << 20) + 1, 3_333_333, 1 << 28] {
      let bytes = BufferPool.capacity(for: count)
      let needed = max(count, 1) * 4
      #expect(bytes >= needed)
      #expect(bytes % 64 == 0)
      #expect(bytes <= max(needed + 63, needed + needed / 8), "\(count) floats take \(bytes) bytes")
    }
  }

  @Test func sizeClassesAreMultiplesOf64UpTo1KiBThenEighths() {
    #expect([1, 16, 17, 32, 255, 256].map(BufferPool.capacity(for:)) == [64, 64, 128, 128, 1024, 1024])
    #expect(Set((257...512).map(BufferPool.capacity(for:))).sorted() == (9...16).map { $0 * 128 })
    #expect(Set((513...1024).map(BufferPool.capacity(for:))).sorted() == (9...16).map { $0 * 256 })
  }

  @Test func capacityOfACapacityIsItself() {
    for count in 1...5000 {
      let bytes = BufferPool.capacity(for: count)
      #expect(BufferPool.capacity(for: bytes / 4) == bytes)
    }
  }

  @Test func buffersAreAlignedTo64Bytes() {
    for count in [0, 1, 15, 16, 17, 1000, 4097] {
      #expect(UInt(bitPattern: Storage(count: count).pointer) % 64 == 0)
    }
  }

  /// No other test uses the size class of this count, so nothing else takes the buffer in between.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["AIRFRAME_POOL"] != "off"))
  func aFreedBufferServesTheNextUserOfItsSize() {
    func address(count: Int) -> UInt {
      let storage = Storage(count: count)
      return withExtendedLifetime(storage) { UInt(bitPattern: storage.pointer) }
    }
    let first = address(count: 3_333_333)
    #expect(address(count: 3_333_300) == first)
    let held = Storage(count: 3_333_333)
    #expect(UInt(bitPattern: held.pointer) == first)
    #expect(address(count: 3_333_333) != first)
  }
}
