import Scenes
import Testing

struct BoxTests {
  let square = Box(left: 0, top: 0, right: 4, bottom: 4)

  @Test func intersectionOverUnionMatchesHandValues() {
    #expect(square.intersectionOverUnion(with: square) == 1)
    #expect(square.intersectionOverUnion(with: Box(left: 2, top: 0, right: 6, bottom: 4)) == 8.0 / 24)
    #expect(square.intersectionOverUnion(with: Box(left: 3, top: 3, right: 5, bottom: 5)) == 1.0 / 19)
    #expect(square.intersectionOverUnion(with: Box(left: 1, top: 1, right: 3, bottom: 3)) == 0.25)
    #expect(square.intersectionOverUnion(with: Box(left: -1, top: 1, right: 7, bottom: 2)) == 4.0 / 20)
  }

  @Test func boxesApartOrTouchingShareNothing() {
    #expect(square.intersectionOverUnion(with: Box(left: 4, top: 0, right: 8, bottom: 4)) == 0)
    #expect(square.intersectionOverUnion(with: Box(left: 5, top: 5, right: 8, bottom: 8)) == 0)
  }

  @Test func boxesWithoutAreaOrNumbersGiveZero() {
    let point = Box(left: 1, top: 1, right: 1, bottom: 1)
    #expect(point.intersectionOverUnion(with: point) == 0)
    #expect(square.intersectionOverUnion(with: point) == 0)
    let unknown = Box(left: .nan, top: .nan, right: .nan, bottom: .nan)
    #expect(square.intersectionOverUnion(with: unknown) == 0)
    #expect(unknown.intersectionOverUnion(with: square) == 0)
  }

  @Test func theHullHoldsTheCornersOfATurnedWindow() {
    let part = Part(
      step: 0, corners: [Point(x: 5, y: 0), Point(x: 10, y: 5), Point(x: 5, y: 10), Point(x: 0, y: 5)])
    #expect(part.box == Box(left: 0, top: 0, right: 10, bottom: 10))
    #expect(Part(step: 0, window: square).box == square)
  }

  @Test func theTightBoxHoldsThePixelsAboveTheThreshold() {
    let plane: [Float] = [
      0, 0, 0, 0,
      0, 0.2, 0, 0,
      0, 0, 0.9, 0.1,
    ]
    plane.withUnsafeBufferPointer { pixels in
      #expect(
        Box(ofPixelsAbove: 0.1, in: pixels, height: 3, width: 4) == Box(left: 1, top: 1, right: 3, bottom: 3))
      #expect(
        Box(ofPixelsAbove: 0.5, in: pixels, height: 3, width: 4) == Box(left: 2, top: 2, right: 3, bottom: 3))
      #expect(
        Box(ofPixelsAbove: 0, in: pixels, height: 3, width: 4) == Box(left: 1, top: 1, right: 4, bottom: 3))
      #expect(Box(ofPixelsAbove: 1, in: pixels, height: 3, width: 4) == nil)
    }
  }
}
