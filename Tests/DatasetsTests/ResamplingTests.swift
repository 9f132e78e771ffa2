import Testing

@testable import Datasets

/// Against Pillow 13.0.0, `Image.fromarray(a).resize((width, height), Image.BILINEAR)` with
/// `a[r, c] = (37 r + 91 c + 13 (r c mod 17)) mod 256`, computed in November 2025.
struct ResamplingTests {
  private func resized(_ height: Int, _ width: Int, to newHeight: Int, _ newWidth: Int) -> [Int] {
    let image = (0..<height * width).map { index in
      let row = index / width
      let column = index % width
      return UInt8((row * 37 + column * 91 + row * column % 17 * 13) % 256)
    }
    let resampling = Resampling(sizes: [(height, newHeight), (width, newWidth)])
    let bytes = [UInt8](unsafeUninitializedCapacity: newHeight * newWidth) { output, count in
      count = newHeight * newWidth
      guard let start = output.baseAddress else { return }
      resampling.resize(
        image, height: height, width: width, stride: width, to: start, height: newHeight, width: newWidth)
    }
    return bytes.map(Int.init)
  }

  private func expectWithinOne(_ found: [Int], _ expected: [Int]) {
    #expect(found.count == expected.count)
    #expect(zip(found, expected).allSatisfy { abs($0 - $1) <= 1 })
  }

  @Test func shrinkingMatchesPillow() {
    let square = resized(28, 28, to: 21, 21)
    expectWithinOne(
      [0, 10, 20].flatMap { square[$0 * 21..<($0 + 1) * 21] },
      [
        39, 154, 92, 131, 111, 139, 157, 107, 170, 90, 192, 130, 123, 70, 122, 84, 155, 104, 122, 151, 121, 119, 85,
        81, 138, 177, 135, 157, 205, 158, 62, 96, 156, 183, 132, 82, 108, 160, 105, 127, 179, 135, 209, 179, 149, 124,
        94, 134, 124, 97, 72, 54, 24, 179, 234, 212, 186, 152, 126, 109, 151, 129, 102,
      ])
    expectWithinOne(
      resized(20, 11, to: 12, 7),
      [
        54, 156, 102, 125, 137, 155, 109, 121, 142, 129, 119, 110, 166, 166, 131, 147, 151, 160, 94, 118, 129, 156,
        145, 152, 136, 107, 139, 110, 110, 135, 158, 146, 108, 109, 162, 86, 106, 154, 107, 111, 128, 82, 111, 94, 96,
        81, 76, 160, 160, 184, 160, 168, 161, 73, 98, 126, 99, 81, 113, 160, 148, 135, 189, 66, 130, 101, 113, 119,
        103, 113, 127, 112, 139, 115, 134, 144, 95, 117, 105, 110, 82, 136, 164, 153,
      ])
  }

  @Test func growingMatchesPillow() {
    expectWithinOne(
      Array(resized(9, 8, to: 14, 10).prefix(40)),
      [
        0, 64, 137, 133, 26, 99, 172, 117, 61, 125, 17, 85, 163, 164, 62, 140, 134, 108, 116, 184, 41, 115, 185, 187,
        109, 172, 93, 95, 165, 239, 65, 145, 140, 115, 142, 80, 107, 83, 77, 157,
      ])
  }

  @Test func theSameSizeIsACopy() {
    #expect(resized(9, 8, to: 9, 8) == (0..<72).map { ($0 / 8 * 37 + $0 % 8 * 91 + $0 / 8 * ($0 % 8) % 17 * 13) % 256 })
  }
}
