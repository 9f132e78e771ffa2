import Pictures
import Testing

@Suite struct PictureTests {
  @Test func grayBecomesRGBAndBack() {
    let gray = Picture(width: 2, height: 1, channels: 1, pixels: [7, 200])
    #expect(gray.rgb().pixels == [7, 7, 7, 200, 200, 200])
    #expect(gray.rgb().gray() == gray)
    #expect(gray.rgb().rgb() == gray.rgb())
  }

  @Test func enlargingRepeatsPixels() {
    let picture = Picture(width: 2, height: 1, channels: 3, pixels: [1, 2, 3, 4, 5, 6])
    let row: [UInt8] = [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6]
    #expect(picture.enlarged(by: 2) == Picture(width: 4, height: 2, channels: 3, pixels: row + row))
    #expect(picture.enlarged(by: 1) == picture)
  }

  @Test(arguments: [(-3, -1), (0, 0), (2, 1), (1, -2), (9, 9), (Int.max, 0), (Int.min, Int.min)])
  func pastingMatchesAPixelByPixelCopy(x: Int, y: Int) {
    let patch = Picture(width: 4, height: 3, channels: 1, pixels: Array(1...12))
    var pasted = Picture(width: 5, height: 4, channels: 3)
    pasted.paste(patch, x: x, y: y)
    for row in 0..<4 {
      for column in 0..<5 {
        let fromX = column.subtractingReportingOverflow(x)
        let fromY = row.subtractingReportingOverflow(y)
        let inside =
          !fromX.overflow && !fromY.overflow && (0..<4) ~= fromX.partialValue && (0..<3) ~= fromY.partialValue
        let expected = inside ? patch.pixels[fromY.partialValue * 4 + fromX.partialValue] : 0
        let start = (row * 5 + column) * 3
        #expect(Array(pasted.pixels[start..<start + 3]) == [expected, expected, expected])
      }
    }
  }

  @Test func pastingColorIntoGrayKeepsBrightness() {
    var gray = Picture(width: 1, height: 1, channels: 1)
    gray.paste(Picture(width: 1, height: 1, channels: 3, pixels: [255, 0, 0]), x: 0, y: 0)
    #expect(gray.pixels == [76])
  }

  @Test func gridPlacesPicturesInRows() {
    let pictures = (1...3).map { Picture(width: 2, height: 1, channels: 1, fill: UInt8($0)) }
    let grid = Picture.grid(pictures, columns: 2, gap: 1, background: 9)
    #expect(
      grid
        == Picture(
          width: 5, height: 3, channels: 1,
          pixels: [
            1, 1, 9, 2, 2,
            9, 9, 9, 9, 9,
            3, 3, 9, 9, 9,
          ]))
    #expect(Picture.grid([], columns: 4).pixels.isEmpty)
    #expect(Picture.grid(pictures, columns: 10, gap: 0).width == 6)
    #expect(Picture.grid([pictures[0], pictures[1].rgb()], columns: 2).channels == 3)
  }

  @Test func paletteColorsAreBrightAndFarApart() {
    #expect(Color.palette.count >= 8)
    for (index, color) in Color.palette.enumerated() {
      #expect(max(color.red, color.green, color.blue) >= 200)
      for other in Color.palette[..<index] {
        let parts = [(color.red, other.red), (color.green, other.green), (color.blue, other.blue)]
        let square = parts.map { (Int($0) - Int($1)) * (Int($0) - Int($1)) }.reduce(0, +)
        #expect(square >= 75 * 75, "\(color) and \(other)")
      }
    }
  }
}
