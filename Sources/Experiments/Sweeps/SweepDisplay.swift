import Glibc

/// The progress of a sweep on stderr: a table that is redrawn on a terminal, and a line per event elsewhere.
final class SweepDisplay {
  /// A running cell. `rate` is in steps per second, or nil if another process trains the cell.
  struct Line { let name: String, step: Int, of: Int, rate: Double? }

  private let total: Int
  private let isTerminal = isatty(2) == 1
  private var height = 0
  private var lastShown = -Double.infinity

  init(total: Int) { self.total = total }

  func begin(done: Int, failed: Int) {
    let rest = failed > 0 ? ", \(failed) failed" : ""
    showOnStandardError("\(total) cells, \(done) finished\(rest), \(total - done - failed) to do\n")
  }

  /// Prints an event that is not overwritten.
  func say(_ text: String) {
    erase()
    showOnStandardError(text + "\n")
  }

  func show(done: Int, failed: Int, left: Double?, running: @autoclosure () -> [Line]) {
    let now = monotonicSeconds()
    guard isTerminal, now - lastShown >= 0.25 else { return }
    lastShown = now
    let time = left.map { ", \(clock($0)) left" } ?? ""
    var lines = ["\(done) of \(total) finished, \(failed) failed\(time)"]
    let cells = running()
    let width = cells.map(\.name.count).max() ?? 0
    for cell in cells {
      let name = cell.name + String(repeating: " ", count: width - cell.name.count)
      let rate = cell.rate.map { rate in
        "\(fixed(rate, 1)) steps/s" + (rate > 0 ? ", \(clock(Double(cell.of - cell.step) / rate)) left" : "")
      }
      lines.append("  \(name)  step \(cell.step)/\(cell.of)  \(rate ?? "in another process")")
    }
    erase()
    showOnStandardError(lines.joined(separator: "\n") + "\n")
    height = lines.count
  }

  func end() { erase() }

  private func erase() {
    if height > 0 { showOnStandardError("", after: "\u{1B}[\(height)A\u{1B}[J") }
    height = 0
  }
}
