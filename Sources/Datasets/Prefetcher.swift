import Dispatch
import Tensors

/// Makes the elements of a sequence on a background thread, a few ahead of who takes them.
///
/// Element n is made once, from n alone; elements are taken in order, by one thread. No thread ever waits for a slot:
/// taking an element is what orders the next one. When the prefetcher goes away, what is not yet begun is not begun.
final class Prefetcher<Element> {
  private let queue = DispatchQueue(label: "airframe.prefetcher", qos: .userInitiated)
  private let shared: Shared
  private let end: Int
  private var next: Int
  private var ordered: Int

  /// What both threads see.
  private final class Shared: Sendable {
    let make: @Sendable (Int) -> Element
    let state = Lock(State())
    let arrivals = DispatchSemaphore(value: 0)

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
    shared = Shared(make: make)
    self.end = end
    next = start
    ordered = start
    for _ in 0..<ahead { order() }
  }

  deinit { stop() }

  private func order() {
    guard ordered < end else { return }
    let number = ordered
    ordered += 1
    queue.async { [shared] in
      defer { shared.arrivals.signal() }
      if shared.state.withLock({ $0.isStopped }) { return }
      let handover = Handover(element: shared.make(number))
      shared.state.withLock { if !$0.isStopped { $0.ready[number] = handover } }
    }
  }

  /// The next element, once it is made; nil after the last, or after `stop`.
  func take() -> Element? {
    guard next < end, !shared.state.withLock({ $0.isStopped }) else { return nil }
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
  }
}
