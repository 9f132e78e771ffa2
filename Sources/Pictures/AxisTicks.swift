import Glibc

/// Round numbers along an axis and their labels.
struct AxisTicks {
  let values: [Double]
  let labels: [String]

  /// The multiples of 1, 2 or 5 times a power of ten inside a range, about `count` of them.
  ///
  /// Requires a range from `axisRange`: finite, and not too narrow relative to the magnitude of its ends.
  init(in range: ClosedRange<Double>, count: Int) {
    let span = range.upperBound - range.lowerBound
    let rough = span / Double(max(1, count))
    let power = log10(rough).rounded(.down)
    let mantissa = rough / pow(10, power)
    let factor = mantissa < 1.4 ? 1.0 : mantissa < 3 ? 2 : mantissa < 7 ? 5 : 10
    let step = power < 0 ? factor / pow(10, -power) : factor * pow(10, power)
    let first = (range.lowerBound / step - 1e-6).rounded(.up)
    let last = (range.upperBound / step + 1e-6).rounded(.down)
    values = first <= last ? (0...Int(last - first)).map { (first + Double($0)) * step + 0 } : []
    labels = Self.labels(values, step: step)
  }

  /// Labels with as many decimals as the tick spacing needs: plain, in thousands (k) or millions (M), or with an
  /// exponent.
  private static func labels(_ values: [Double], step: Double) -> [String] {
    let largest = values.map(abs).max() ?? 0
    for (unit, suffix, least) in [(1e9, "G", 1e9), (1e6, "M", 1e6), (1e3, "k", 1e4)] where largest >= least {
      guard largest < 1e13, decimals(step / unit) <= 1 else { continue }
      return values.map { $0 == 0 ? "0" : decimal($0 / unit, places: decimals(step / unit)) + suffix }
    }
    if largest > 0 && (largest < 1e-3 || largest >= 1e9) {
      let power = log10(largest * 1.0000001).rounded(.down)
      let unit = pow(10, power)
      return values.map { $0 == 0 ? "0" : decimal($0 / unit, places: decimals(step / unit)) + "e\(Int(power))" }
    }
    return values.map { decimal($0, places: decimals(step)) }
  }

  /// The number of decimals that show a spacing of 1, 2 or 5 times a power of ten.
  private static func decimals(_ step: Double) -> Int {
    min(12, max(0, Int(-log10(step * 1.0000001).rounded(.down))))
  }
}

/// The range of an axis: that of the finite values, widened if they are too close together; 0 to 1 if there are none.
func axisRange(_ values: [Double]) -> ClosedRange<Double> {
  let usable = values.filter(isDrawable)
  guard let low = usable.min(), let high = usable.max() else { return 0...1 }
  let size = max(abs(low), abs(high))
  let isTiny = size < 1e-290
  guard isTiny || high - low <= 1e-9 * size else { return low...high }
  let margin = isTiny ? 1 : 0.1 * size
  return (low - margin)...(high + margin)
}

/// Whether a coordinate can be drawn: it is finite, and small enough that differences are finite too.
func isDrawable(_ value: Double) -> Bool { abs(value) <= 1e300 }

/// A number with a fixed number of decimals, never `-0`; in Swift's default format if it is too large for that.
func decimal(_ value: Double, places: Int) -> String {
  let unit = (0..<places).reduce(1.0) { result, _ in result * 10 }
  let scaled = (value * unit).rounded()
  guard abs(scaled) < 1e15 else { return "\(value)" }
  let digits = String(Int(abs(scaled)))
  let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
  let whole = padded.dropLast(places)
  let sign = scaled < 0 ? "-" : ""
  return places == 0 ? sign + whole : "\(sign)\(whole).\(padded.suffix(places))"
}
