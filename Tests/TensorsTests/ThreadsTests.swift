import Dispatch
import Foundation
import Synchronization
import TestKit
import Testing

@testable import Tensors

/// Serialized, because the number of threads is global to the process.
@Suite(.serialized) struct ThreadsTests {
  private func with<Result>(threads: Int, _ work: () throws -> Result) rethrows -> Result {
    let before = Threads.count
    use(threads)
    defer { use(before) }
    return try work()
  }

  private func use(_ threads: Int) {
    do { try Threads.use(threads) } catch { Issue.record(error) }
  }

  @Test(arguments: [1, 2, 3, 5]) func everythingIsDoneOnceInPartsOfWholeGrains(_ threads: Int) {
    with(threads: threads) {
      for (size, grain, smallest) in [(0, 1, 1), (1, 1, 1), (7, 1, 1), (100, 16, 1), (1000, 64, 300), (64, 64, 64)] {
        let marks = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, size))
        marks.initialize(repeating: 0)
        defer { marks.deallocate() }
        let address = Address(marks)
        let parts = Lock<[Range<Int>]>([])
        Threads.divide(size, grain: grain, smallest: smallest) { part in
          for index in part { address.marks[index] += 1 }
          parts.withLock { $0.append(part) }
        }
        #expect(marks[..<size].allSatisfy { $0 == 1 }, "\(size) in \(grain)s")
        let found = parts.withLock { $0 }.sorted { $0.lowerBound < $1.lowerBound }
        #expect(found.count <= threads)
        for part in found.dropLast() { #expect(part.count % grain == 0 && part.count >= min(smallest, size)) }
      }
    }
  }

  private struct Address: @unchecked Sendable {
    let marks: UnsafeMutableBufferPointer<UInt8>
    init(_ marks: UnsafeMutableBufferPointer<UInt8>) { self.marks = marks }
  }

  /// Rows and columns that do not divide evenly, in every layout.
  ///
  /// Blocks of other sizes use other code paths of the BLAS library, so sums may round differently. The blocks depend
  /// only on the sizes and the number of threads.
  @Test func productsOfBlocksAreThatOfTheWhole() {
    for (m, k, n) in [(64, 256, 1024), (64, 2500, 1030), (784, 64, 200), (130, 300, 77), (1030, 130, 65)] {
      for (ta, tb) in [(false, false), (true, false), (false, true), (true, true)] {
        let stream = RandomStream(seed: 3)
        let a = stream.child("a").normals(ta ? [k, m] : [m, k])
        let b = stream.child("b").normals(tb ? [n, k] : [k, n])
        func product(_ threads: Int) -> [Float] {
          with(threads: threads) { a.matrixProduct(b, transposed: ta, otherTransposed: tb).array() }
        }
        let whole = product(1)
        let scale = Float(k).squareRoot()
        for threads in [2, 3, 4] {
          let blocks = product(threads)
          let error = zip(blocks, whole).map { abs($0 - $1) }.max() ?? .infinity
          #expect(error <= 1e-5 * scale, "\(m) x \(k) x \(n), \(ta) \(tb), \(threads)")
          let isSame = product(threads) == blocks
          #expect(isSame)
        }
      }
    }
  }

  @Test func whoeverComesWhileOthersWorkGetsTheSameResult() {
    let (a, b) = (RandomStream(seed: 1).normals([64, 300]), RandomStream(seed: 2).normals([300, 1024]))
    let right = with(threads: 3) { a.matrixProduct(b).array() }
    let wrong = Atomic(0)
    let inputs = Inputs(a: a, b: b)
    with(threads: 3) {
      DispatchQueue.concurrentPerform(iterations: 60) { _ in
        if inputs.a.matrixProduct(inputs.b).array() != right { wrong.add(1, ordering: .relaxed) }
      }
    }
    #expect(wrong.load(ordering: .relaxed) == 0)
  }

  private struct Inputs: @unchecked Sendable { let a, b: Tensor }

  /// The pauses vary: helpers fall asleep in the long ones and stay awake in the short ones.
  @Test func helpersWakeUpHoweverLongTheyWaited() {
    with(threads: 3) {
      for round in 0..<200 {
        let sum = Atomic(0)
        Threads.divide(3) { part in for index in part { sum.add(index + 1, ordering: .relaxed) } }
        #expect(sum.load(ordering: .relaxed) == 6)
        usleep(round % 20 == 0 ? 3000 : UInt32(round))
      }
    }
  }
}
