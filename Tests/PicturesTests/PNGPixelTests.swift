import Foundation
import Testing

@testable import Pictures

/// Compares PNG files of every color type, bit depth, interlacing and color chunk with Pillow
/// (scripts/png_fixtures.py).
@Suite struct PNGPixelTests {
  struct Example: CustomTestStringConvertible, Sendable {
    let name: String
    let channels, depth: Int
    let file, samples: [UInt8]
    var testDescription: String { name }
  }

  static let examples: [Example] = {
    let place = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures/pngs.txt")
    guard let text = try? String(contentsOf: place, encoding: .utf8) else { return [] }
    return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { line in
      let words = line.split(separator: " ").map(String.init)
      guard words.count == 5, let channels = Int(words[1]), let depth = Int(words[2]) else { return nil }
      return Example(
        name: words[0], channels: channels, depth: depth, file: Fixtures.bytes(words[3]),
        samples: Fixtures.bytes(words[4]))
    }
  }()

  @Test func everyKindIsAmongTheExamples() {
    #expect(Self.examples.count == 104)
    for part in [
      "gray-1", "gray-16-key", "rgb-16-srgb", "palette-2-alpha-gamma", "gray-alpha-16-linear", "rgba-8-gamma",
    ] {
      #expect(Self.examples.contains { $0.name == part }, "\(part)")
    }
  }

  @Test(arguments: examples) func pixelsAreThoseThatPillowReads(example: Example) throws {
    let png = try PNG(bytes: example.file)
    #expect(png.width == 9 && png.height == 7 && png.channels == example.channels)
    let words = stride(from: 0, to: example.samples.count - 1, by: 2).map {
      UInt16(example.samples[$0]) << 8 | UInt16(example.samples[$0 + 1])
    }
    #expect(png.samples == (example.depth == 16 ? .words(words) : .bytes(example.samples)))
    // 16-bit samples are rounded to the nearest 8-bit level.
    let eight = example.depth == 16 ? words.map { UInt8((Double($0) / 257).rounded()) } : example.samples
    #expect(try Picture(png: example.file).pixels == eight)
  }
}
