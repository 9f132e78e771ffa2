/// A stroke as a polyline: the middle line of the pen.
typealias Polyline = [SIMD2<Float>]

/// Reads the path of a stroke into a polyline. It supports the part of SVG's path language (SVG 1.1, 8.3) that KanjiVG
/// uses.
///
/// A path is one `M` or `m`, followed by cubic curves: `C`, `c`, `S` and `s`. Any other command is an error.
struct StrokePath {
  /// The problem of a path, and the byte at which it is.
  struct Fault: Error, Equatable {
    let problem: String
    let offset: Int
  }

  /// The largest distance of a polyline from its curve, in units of the path.
  static let tolerance: Float = 0.2
  private static let mostCurves = 100
  private static let largestCoordinate: Float = 500

  private let text: ArraySlice<UInt8>
  private var offset: Int
  private var points: Polyline = []
  private var curves = 0

  /// The polyline of a path, with at least two points. Throws `Fault`.
  static func polyline(_ path: ArraySlice<UInt8>) throws -> Polyline {
    var reader = StrokePath(path)
    try reader.read()
    return reader.points
  }

  /// The curve's points at equal steps of its parameter, without the first point. The number of steps follows from the
  /// tolerance.
  ///
  /// The chord of a step h deviates from the curve by at most h^2 / 8 times the second derivative, which is at most 6
  /// times the larger second difference of the control points.
  static func flatten(_ curve: Curve) -> Polyline {
    let bend = max(
      length(curve.start - 2 * curve.first + curve.second), length(curve.first - 2 * curve.second + curve.end))
    let steps = max(1, Int((0.75 * bend / tolerance).squareRoot().rounded(.up)))
    return (1...steps).map { step in
      let t = Float(step) / Float(steps)
      let rest = 1 - t
      let outer = rest * rest * rest * curve.start + t * t * t * curve.end
      return outer + 3 * rest * t * (rest * curve.first + t * curve.second)
    }
  }

  /// A cubic Bezier curve.
  struct Curve {
    var start, first, second, end: SIMD2<Float>
  }

  private init(_ text: ArraySlice<UInt8>) {
    self.text = text
    offset = text.startIndex
  }

  private mutating func read() throws {
    skipSpaces()
    guard command("m") != nil else { throw fault("starts with \(shown), expected M") }
    var place = try pair()
    points.append(place)
    // The second control point of the previous curve, which S continues.
    var control = place
    var current: UInt8?
    while true {
      skipSpaces()
      guard offset < text.endIndex else { break }
      // Without a letter, the previous command is repeated.
      current = command("c") ?? command("s") ?? (isNumber ? current : nil)
      guard let current else { throw fault("has \(shown), expected C, c, S or s") }
      curves += 1
      guard curves <= Self.mostCurves else { throw fault("has more than \(Self.mostCurves) curves") }
      let origin = current & 0x20 == 0 ? SIMD2<Float>.zero : place
      let first = current | 0x20 == UInt8(ascii: "c") ? try origin + pair() : 2 * place - control
      control = try origin + pair()
      let end = try origin + pair()
      points += Self.flatten(Curve(start: place, first: first, second: control, end: end))
      place = end
      guard max(abs(place.x), abs(place.y)) <= Self.largestCoordinate else { throw fault("leaves its field") }
    }
    guard points.count > 1 else { throw fault("has no curve") }
  }

  /// Reads this letter, upper or lower case; nil if the next byte is different.
  private mutating func command(_ letter: Unicode.Scalar) -> UInt8? {
    guard offset < text.endIndex, text[offset] | 0x20 == UInt8(ascii: letter) else { return nil }
    offset += 1
    return text[offset - 1]
  }

  private mutating func pair() throws -> SIMD2<Float> {
    let x = try number()
    return SIMD2(x, try number())
  }

  /// Reads a number, with the spaces and the comma before it.
  private mutating func number() throws -> Float {
    skipSpaces()
    let start = offset
    if offset < text.endIndex, text[offset] == UInt8(ascii: "-") || text[offset] == UInt8(ascii: "+") { offset += 1 }
    skipDigits()
    if offset < text.endIndex, text[offset] == UInt8(ascii: ".") {
      offset += 1
      skipDigits()
    }
    // No number in a real file is longer than this.
    guard offset - start <= 24, let value = Float(String(decoding: text[start..<offset], as: UTF8.self)) else {
      offset = start
      throw fault("has \(shown), expected a number")
    }
    guard abs(value) <= Self.largestCoordinate else { throw fault("leaves its field") }
    return value
  }

  private mutating func skipDigits() {
    while offset < text.endIndex, (0x30...0x39).contains(text[offset]) { offset += 1 }
  }

  private mutating func skipSpaces() {
    while offset < text.endIndex, [0x20, 0x09, 0x0A, 0x0D, 0x2C].contains(text[offset]) { offset += 1 }
  }

  /// Whether the next byte is a digit, a sign or a decimal point.
  private var isNumber: Bool { "+-.0123456789".utf8.contains(text[offset]) }

  /// The next bytes, for messages.
  private var shown: String {
    guard offset < text.endIndex else { return "its end" }
    return "'\(String(decoding: text[offset...].prefix(8), as: UTF8.self))'"
  }

  private func fault(_ problem: String) -> Fault { Fault(problem: problem, offset: offset - text.startIndex) }
}

/// The Euclidean length.
func length(_ vector: SIMD2<Float>) -> Float { (vector * vector).sum().squareRoot() }
