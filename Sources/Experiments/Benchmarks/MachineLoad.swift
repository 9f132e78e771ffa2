import Glibc
import Pictures

/// Measures how much processor time other programs use during a measurement. Times from a busy machine do not represent
/// the program.
struct MachineLoad {
  private let start = monotonicSeconds()
  /// Processor seconds of the whole machine, and of this process with its children; nil if the system does not report
  /// them.
  private let before: (all: Double, own: Double)?

  /// Starts the measurement.
  init() { before = Self.seconds }

  /// The mean number of cores that other programs used since the start; nil if the system does not report it.
  var others: Double? {
    guard let before, let now = Self.seconds else { return nil }
    return max(0, now.all - before.all - (now.own - before.own)) / max(monotonicSeconds() - start, 1e-9)
  }

  /// A warning if other programs used more than a tenth of a core.
  var warning: String? {
    guard let others, others > 0.1 else { return nil }
    return
      "warning: the machine was busy: other programs used \(fixed(others, 1)) cores meanwhile; measure again when it is idle"
  }

  private static var seconds: (all: Double, own: Double)? {
    guard let text = try? readFile("/proc/stat", limit: 1 << 20),
      let line = String(decoding: text, as: UTF8.self).split(separator: "\n").first
    else { return nil }
    // `cpu user nice system idle iowait irq softirq steal ...`, in ticks.
    let ticks = line.split(separator: " ").dropFirst().prefix(8).compactMap { Double($0) }
    guard ticks.count == 8 else { return nil }
    let busy = ticks.enumerated().filter { $0.offset != 3 && $0.offset != 4 }.reduce(0) { $0 + $1.element }
    return (busy / Double(sysconf(Int32(_SC_CLK_TCK))), own)
  }

  private static var own: Double {
    [RUSAGE_SELF, RUSAGE_CHILDREN].reduce(0) { sum, who in
      var usage = rusage()
      getrusage(__rusage_who_t(who.rawValue), &usage)
      let times = [usage.ru_utime, usage.ru_stime]
      return sum + times.reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) * 1e-6 }
    }
  }
}
