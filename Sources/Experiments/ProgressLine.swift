import Glibc

/// The progress of a training on stderr: one line that is rewritten on a terminal, and separate lines elsewhere.
final class ProgressLine {
  private let total: Int
  private let first: Int
  private let isTerminal = isatty(2) == 1
  private let start = monotonicSeconds()
  private var lastShown = -Double.infinity
  private var isLineOpen = false

  init(from first: Int, to total: Int) { (self.first, self.total) = (first, total) }

  /// Shows the progress, rarely enough not to slow down the training. `values` are texts of the form "name value".
  func show(step: Int, _ values: [String], isLast: Bool = false) {
    let now = monotonicSeconds()
    guard isLast || now - lastShown >= (isTerminal ? 0.1 : 10) else { return }
    lastShown = now
    let rate = Double(step - first) / max(now - start, 1e-9)
    let left = Double(total - step) / max(rate, 1e-9)
    let text =
      "step \(step)/\(total)  " + values.joined(separator: "  ") + "  \(fixed(rate, 1)) steps/s  \(clock(left)) left"
    if isTerminal {
      put(text, after: "\r\u{1B}[K")
      isLineOpen = true
      if isLast { end() }
    } else {
      put(text + "\n")
    }
  }

  /// Prints a message that is not overwritten.
  func say(_ text: String) {
    end()
    put(text + "\n")
  }

  func end() {
    if isLineOpen { put("\n") }
    isLineOpen = false
  }

  private func put(_ text: String, after codes: String = "") { showOnStandardError(text, after: codes) }
}

/// Writes text to stderr immediately. If that fails, the text is dropped.
///
/// Control characters in the text, which may come from names and files, are shown as escapes. `codes` are sent to the
/// terminal before the text, without escaping.
public func writeToStandardError(_ text: String, after codes: String = "") {
  let bytes = Array((codes + Escaping.terminal(text)).utf8)
  var done = 0
  while done < bytes.count {
    let put = bytes.withUnsafeBytes { write(2, $0.baseAddress.map { $0 + done }, bytes.count - done) }
    if put < 0 && errno == EINTR { continue }
    if put < 0 && errno == EAGAIN {
      var stderr = pollfd(fd: 2, events: Int16(POLLOUT), revents: 0)
      poll(&stderr, 1, -1)
      continue
    }
    guard put > 0 else { return }
    done += put
  }
}

/// Shows progress on stderr if it can be written without waiting. The work does not wait for a reader that has stopped
/// reading, such as a pager or a paused terminal.
func showOnStandardError(_ text: String, after codes: String = "") {
  var stderr = pollfd(fd: 2, events: Int16(POLLOUT), revents: 0)
  guard poll(&stderr, 1, 0) == 1, stderr.revents & Int16(POLLOUT) != 0 else { return }
  writeToStandardError(text, after: codes)
}

/// Seconds on a monotonic clock.
public func monotonicSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// Formats a number with a fixed number of decimals.
public func fixed(_ value: Double, _ decimals: Int) -> String {
  guard value.isFinite else { return "\(value)" }
  let scale = pow(10, Double(decimals))
  let scaled = (value * scale).rounded()
  guard abs(scaled) < 1e15 else { return "\(value)" }
  let digits = String(Int(abs(scaled)))
  let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
  let sign = scaled < 0 ? "-" : ""
  return decimals == 0 ? sign + digits : sign + padded.dropLast(decimals) + "." + padded.suffix(decimals)
}

/// Formats a duration with at most two units.
func clock(_ seconds: Double) -> String {
  guard seconds.isFinite, seconds < 1e7 else { return "?" }
  let whole = Int(seconds.rounded())
  let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
  return hours > 0 ? "\(hours) h \(minutes) min" : minutes > 0 ? "\(minutes) min \(rest) s" : "\(rest) s"
}
