import Testing

@testable import Datasets

struct StrokePathTests {
  private func polyline(_ path: String) throws -> Polyline { try StrokePath.polyline(Array(path.utf8)[...]) }

  private func ends(_ path: String) throws -> [[Float]] {
    let line = try polyline(path)
    return [line.first, line.last].compactMap { $0 }.map { [$0.x, $0.y] }
  }

  /// The point at a parameter by repeated linear interpolation (de Casteljau).
  private func deCasteljau(_ points: [SIMD2<Float>], _ t: Float) -> SIMD2<Float> {
    points.count == 1
      ? points[0]
      : deCasteljau(zip(points, points.dropFirst()).map { $0 + t * ($1 - $0) }, t)
  }

  @Test func aFlattenedCurveHasPointsOfTheCurveAtEqualSteps() {
    let points: [SIMD2<Float>] = [[10, 20], [90, 0], [0, 100], [80, 70]]
    let line = StrokePath.flatten(.init(start: points[0], first: points[1], second: points[2], end: points[3]))
    #expect(line.count > 10)
    for (index, point) in line.enumerated() {
      #expect(length(point - deCasteljau(points, Float(index + 1) / Float(line.count))) < 1e-3)
    }
    // By hand, for t = 1/2: (10 + 3 x 90 + 3 x 0 + 80) / 8 and (20 + 3 x 0 + 3 x 100 + 70) / 8.
    #expect(length(deCasteljau(points, 0.5) - [45, 48.75]) < 1e-4)
  }

  @Test(arguments: [
    [[0, 0], [30, 0], [60, 0], [90, 0]], [[0, 0], [0, 50], [50, 90], [90, 90]],
    [[10, 90], [90, 0], [10, 0], [90, 90]],
    [[5, 5], [5, 5], [5, 5], [5, 5]], [[0, 0], [109, 109], [-20, 109], [109, 0]],
  ])
  func aFlattenedCurveStraysByTheToleranceAtMost(controls: [[Float]]) {
    let points = controls.map { SIMD2($0[0], $0[1]) }
    let line =
      [points[0]] + StrokePath.flatten(.init(start: points[0], first: points[1], second: points[2], end: points[3]))
    for step in 0...1000 {
      let point = deCasteljau(points, Float(step) / 1000)
      let distance = zip(line, line.dropFirst()).map { distanceToLine(point, $0, $1) }.min() ?? .infinity
      #expect(distance <= StrokePath.tolerance * 1.001)
    }
  }

  private func distanceToLine(_ point: SIMD2<Float>, _ start: SIMD2<Float>, _ end: SIMD2<Float>) -> Float {
    let way = end - start
    let squared = (way * way).sum()
    let share = squared > 0 ? min(max(((point - start) * way).sum() / squared, 0), 1) : 0
    return length(point - start - share * way)
  }

  @Test func curvesAreRelativeOrAbsoluteAndGoOn() throws {
    #expect(try ends("M10,20c1,1,2,2,3,4") == [[10, 20], [13, 24]])
    #expect(try ends("M10,20C1,1,2,2,3,4") == [[10, 20], [3, 4]])
    #expect(try ends("m 10 20 c 1 1 2 2 3 4 1,1,2,2,3,4") == [[10, 20], [16, 28]])
    #expect(try ends("M10.5-20c-.5.5.5-1,3-4") == [[10.5, -20], [13.5, -24]])
    // The control point that S leaves out mirrors the one before: here the curve stays on one line.
    #expect(try polyline("M0,0C0,0,10,10,20,20S40,40,50,50").allSatisfy { abs($0.x - $0.y) < 1e-4 })
    #expect(try polyline("M0,0c0,0,10,10,20,20s20,20,30,30") == polyline("M0,0C0,0,10,10,20,20S40,40,50,50"))
    // After M, that point is where the pen stands.
    #expect(try polyline("M0,0S40,40,50,0") == polyline("M0,0C0,0,40,40,50,0"))
  }

  @Test(arguments: [
    ("", "starts with its end, expected M", 0), ("c1,1,2,2,3,3", "starts with 'c1,1,2,2', expected M", 0),
    ("M10,20", "has no curve", 6), ("M10,20,30,40", "has '30,40', expected C, c, S or s", 7),
    ("M10,20L30,40", "has 'L30,40', expected C, c, S or s", 6),
    ("M10,20c1,1,2,2,3", "has its end, expected a number", 16),
    ("M10,20c1,1,2,2,x,3", "has 'x,3', expected a number", 15),
    ("M10,1e9c1,1,2,2,3,3", "has 'e9c1,1,2', expected C", 5),
    ("M10,900c1,1,2,2,3,3", "leaves its field", 7), ("M10,nanc1,1,2,2,3,3", "has 'nanc1,1,', expected a number", 4),
    ("M400,9c99,1,2,2,101,3", "leaves its field", 21),
  ])
  func whatIsNoPathSaysWhereAndWhy(path: String, problem: String, offset: Int) {
    let fault = #expect(throws: StrokePath.Fault.self) { try polyline(path) }
    #expect(fault?.problem.hasPrefix(problem) == true && fault?.offset == offset, "\(String(describing: fault))")
  }

  @Test func pathsWithoutEndAreRefused() {
    let long = "M1,1" + String(repeating: "c1,1,2,2,0,0", count: 200_000)
    #expect(throws: StrokePath.Fault.self) { try polyline(long) }
    #expect(throws: StrokePath.Fault.self) { try polyline("M" + String(repeating: "1", count: 1_000_000)) }
  }
}
