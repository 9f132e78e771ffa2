import Dispatch
import Tensors

/// Makes the elements of a sequence on a background thread, a few elements ahead of the thread that takes them.
///
/// Element n is made once, from n alone. One thread takes the elements, in order. No thread ever waits for a free slot,
/// because taking an element orders the next one. When the prefetcher is deallocated, elements that are not begun are
/// not made.
final class Prefetcher<Element> {
  private let shared: Shared
  /// False if the system gives no thread. Then elements are made when they are taken; they are the same.
  private let hasThread: Bool
  private let end: Int
  private var next: Int
  private var ordered: Int

  /// The state that both threads share.
  private final class Shared: Sendable {
    let make: @Sendable (Int) -> Element
    let state = Lock(State())
    let orders = DispatchSemaphore(value: 0)
    let arrivals = DispatchSemaphore(value: 0)

    /// The work of the thread: makes elements from `start` on, one for each order, until it is stopped.
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
      // Wakes a thread that waits; it finds no element.
      arrivals.signal()
    }

    struct State {
      var ready: [Int: Handover] = [:]
      var isStopped = false
    }

    init(make: @escaping @Sendable (Int) -> Element) { self.make = make }
  }

  /// An element that moves to another thread. Its maker keeps no reference, so only the taker can reach it.
  private struct Handover: @unchecked Sendable { let element: Element }

  /// Makes the elements `start ..< end`, at most `ahead` of them before they are taken.
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

  /// Waits for the next element and returns it; nil after the last one, or after `stop`.
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

  /// Stops making elements, and releases those already made.
  func stop() {
    shared.state.withLock {
      $0.isStopped = true
      $0.ready = [:]
    }
    // Wakes the thread, which then ends.
    shared.orders.signal()
  }
}
