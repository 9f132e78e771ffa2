import Testing

@testable import Pictures

@Suite struct DrawingTests {
  /// The picture as rows of `#` (not black) and `.` (black).
  private func rows(_ picture: Picture) -> [String] {
    let gray = picture.gray()
    return (0..<gray.height).map { row in
      String((0..<gray.width).map { gray.pixels[row * gray.width + $0] > 0 ? "#" : "." })
    }
  }

  private func drawn(_ draw: (inout Picture) -> Void) -> [String] {
    var picture = Picture(width: 6, height: 5, channels: 3)
    draw(&picture)
    return rows(picture)
  }

  @Test func rectangleMarksThePixelsInsideItsEdges() {
    #expect(
      drawn { $0.drawRectangle(left: 1, top: 0.6, right: 5.4, bottom: 4, color: .white) } == [
        "......", ".####.", ".#..#.", ".####.", "......",
      ])
  }

  @Test func rectangleClips() {
    #expect(
      drawn { $0.drawRectangle(left: -3, top: 2, right: 3, bottom: 99, color: .white) } == [
        "......", "......", "###...", "..#...", "..#...",
      ])
    #expect(
      drawn { $0.drawRectangle(left: -1e300, top: -.infinity, right: 1e300, bottom: 1, color: .white) } == [
        "######", "......", "......", "......", "......",
      ])
    let empty = drawn { _ in }
    #expect(drawn { $0.drawRectangle(left: .nan, top: 0, right: 3, bottom: 3, color: .white) } == empty)
    #expect(drawn { $0.drawRectangle(left: 10, top: 10, right: 20, bottom: 20, color: .white) } == empty)
  }

  @Test func thicknessGrowsInwards() {
    #expect(
      drawn { $0.drawRectangle(left: 0, top: 0, right: 6, bottom: 5, color: .white, thickness: 2) } == [
        "######", "######", "##..##", "######", "######",
      ])
    #expect(
      drawn { $0.drawRectangle(left: 0, top: 0, right: 6, bottom: 5, color: .white, thickness: 1000) }
        == Array(repeating: "######", count: 5))
  }

  @Test func polygonJoinsItsCornersAndClips() {
    #expect(
      drawn { $0.drawPolygon([(0.5, 2.5), (2.5, 0.5), (4.5, 2.5), (2.5, 4.5)], color: .white) } == [
        "..#...", ".#.#..", "#...#.", ".#.#..", "..#...",
      ])
    #expect(
      drawn { $0.drawPolygon([(-1e12, 2.5), (1e12, 2.5)], color: .white) } == [
        "......", "......", "######", "......", "......",
      ])
    let empty = drawn { _ in }
    #expect(drawn { $0.drawPolygon([(.nan, 0), (3, .infinity), (-5, -5)], color: .white) } == empty)
    #expect(drawn { $0.drawPolygon([], color: .white) } == empty)
  }

  @Test func grayPicturesTakeBrightness() {
    var picture = Picture(width: 2, height: 2, channels: 1)
    picture.drawRectangle(left: 0, top: 0, right: 1, bottom: 1, color: Color(red: 0, green: 255, blue: 0))
    #expect(picture.pixels == [150, 0, 0, 0])
  }

  @Test func textShowsItsCharactersAndClips() {
    var picture = Picture(width: Picture.textWidth("1:"), height: Picture.textHeight(), channels: 1)
    picture.drawText("1:", x: 0, y: 0, color: .white)
    #expect(
      rows(picture) == [
        "..#........", ".##....##..", "..#....##..", "..#........", "..#....##..", "..#....##..", ".###.......",
      ])
    var small = Picture(width: 3, height: 3, channels: 1)
    small.drawText("ABC\ngj\u{1F600}", x: -2, y: -9, color: .white, scale: 2)
    small.drawText("far away", x: .max / 2, y: .min / 2, color: .white)
    #expect(small.pixels.contains(255))
  }

  @Test func everyPrintableCharacterHasAShapeOfItsOwn() {
    let shapes = (33..<127).map { code in
      BitmapFont.dots(of: Character(UnicodeScalar(UInt8(code)))).map { [$0.column, $0.row] }
    }
    #expect(Set(shapes).count == 94)
    #expect(shapes.allSatisfy { dots in dots.allSatisfy { $0[0] < 5 && $0[1] < 9 } && !dots.isEmpty })
    #expect(BitmapFont.dots(of: " ").isEmpty)
  }
}
