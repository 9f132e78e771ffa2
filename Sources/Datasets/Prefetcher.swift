import Dispatch
import Tensors

/// Makes the elements of a sequence on a background thread, a few ahead of who takes them.
///
/// Element n is made once, from n alone; elements are taken in order, by one thread. No thread ever waits for a slot:
/// taking an element is what orders the next one. When the prefetcher goes away, what is not yet begun is not begun.
final class Prefetcher<Element> {
  private let shared: Shared
  /// Where the system gives no thread, elements are made when they are taken: later, and the same.
  private let hasThread: Bool
  private let end: Int
  private var next: Int
  private var ordered: Int

  /// What both threads see.
  private final class Shared: Sendable {
    let make: @Sendable (Int) -> Element
    let state = Lock(State())
    let orders = DispatchSemaphore(value: 0)
    let arrivals = DispatchSemaphore(value: 0)

    /// What the thread does: elements from `start` on, one for each order, until it is stopped.
    func work(from start: Int) {
      var number = start
      while true {
        orders.wait()
        if state.withLock({ $0.isStopped }) { break }
        let handover = Handover(element: make(number))
        state.withLock { if !$0.isStopped { $0.ready[number] = handover } }
        arrivals.signal()
        number += 1
      }
      // Whoever waits finds nothing.
      arrivals.signal()
    }

    struct State {
      var ready: [Int: Handover] = [:]
      var isStopped = false
    }

    init(make: @escaping @Sendable (Int) -> Element) { self.make = make }
  }

  /// An element that changes threads: its maker lets go of it, so only the taker can reach it.
  private struct Handover: @unchecked Sendable { let element: Element }

  /// Elements `start ..< end`, at most `ahead` of them made before they are taken.
  init(from start: Int, to end: Int = .max, ahead: Int = 3, make: @escaping @Sendable (Int) -> Element) {
    precondition(ahead >= 1, "\(ahead) elements ahead were asked for; at least one is needed")
    let shared = Shared(make: make)
    self.shared = shared
    self.end = end
    next = start
    ordered = start
    do {
      try SystemThread.start { shared.work(from: start) }
      hasThread = true
    } catch {
      hasThread = false
    }
    for _ in 0..<ahead { order() }
  }

  deinit { stop() }

  private func order() {
    guard ordered < end else { return }
    ordered += 1
    shared.orders.signal()
  }

  /// The next element, once it is made; nil after the last, or after `stop`.
  func take() -> Element? {
    guard next < end, !shared.state.withLock({ $0.isStopped }) else { return nil }
    guard hasThread else {
      defer { next += 1 }
      return shared.make(next)
    }
    shared.arrivals.wait()
    let handover = shared.state.withLock { $0.ready.removeValue(forKey: next) }
    next += 1
    order()
    return handover?.element
  }

  /// Makes no more elements, and lets go of those made.
  func stop() {
    shared.state.withLock {
      $0.isStopped = true
      $0.ready = [:]
    }
    // The thread looks, and ends.
    shared.orders.signal()
  }
}
