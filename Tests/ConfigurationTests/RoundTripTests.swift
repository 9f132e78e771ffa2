import Testing

@testable import Configuration

/// A written config loads to the same value.
struct RoundTripTests {
  @Test func everyKeyIsWrittenInDeclaredOrder() throws {
    #expect(
      ConfigurationFile.encode(try load("regularizers: [{ name: overlap }, { name: none }]").value) == """
        model:
          name: air
          steps: 3
          window:
            scale: isotropic
            minimum: 0.1
            maximum: 0.9
            bias: 0.1
          appearance:
            name: gaussian
            size: 40
            encoder: [200]
        regularizers:
          - name: overlap
            weight: 1.0
          - name: none
        counts:
          0: 5
          1: 5
        training:
          steps: 10000
          rate: 0.0001
          resume: false
          note: ""
          shares: [0.5]
          tags: [a]

        """)
  }

  @Test(arguments: [
    "", "model: { name: mvae }", "counts: {}", "training: { shares: [], tags: [no, 'true', '1', 'a: b', '#'] }",
    "model: { name: discrete-air, appearance: { name: gaussian, encoder: [1, 2, 3] } }",
    "regularizers: [{ name: overlap, weight: .inf }, { name: overlap, weight: 1e-300 }]",
    "training: { rate: { schedule: exponential, from: 0.3 } }",
    "model: { window: { bias: 0.12345679, minimum: 0.30000000000000004 } }",
  ])
  func encodedConfigsLoadBack(_ text: String) throws {
    let value = try load(text).value
    let written = ConfigurationFile.encode(value)
    let again = try load(written).value
    #expect(ConfigurationFile.encode(again) == written)
    #expect(again.training.tags == value.training.tags)
    #expect(again.training.rate == value.training.rate)
    #expect(again.counts == value.counts)
  }

  @Test(arguments: [
    "", " ", "a ", " a", "no", "true", "null", "~", "1", "1e3", "0x1", ".inf", "a: b", "a #b", "- a", "-", "...", "---",
    "é", "日本", "😀", "\"", "\\", "'", "a\nb", "\t", "\u{1}", "\u{7F}", "\u{85}", "\u{2028}", "\u{FEFF}", "{a", "[b",
    "a,b", "*x", "&x", "!x", "%x", "@x", "`x", "|", ">", "?", "../base.yaml", "multi-mnist", "404.41 +- 4.58", "=",
  ])
  func everyTextSurvives(_ text: String) throws {
    for node in [YAMLNode.map([("k", .text(text))]), .list([.text(text), .map([(text, .text(text))])]), .text(text)] {
      for written in [YAMLWriter.block(node), YAMLWriter.flow(node)] {
        let read = try YAMLParser.parse(SourceText(Array(written.utf8), of: .file("t.yaml")))
        #expect(read.map(JSON.init) == JSON(node), "\(written)")
      }
    }
  }

  @Test func randomNumbersSurvive() throws {
    var generator = Seeded(seed: 1)
    for _ in 0..<2000 {
      let double = Double(bitPattern: generator.next())
      let float = Float(bitPattern: generator.next())
      guard double.isFinite, float.isFinite else { continue }
      let bounds = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
      let widest = -Float.greatestFiniteMagnitude...Float.greatestFiniteMagnitude
      let doubles = Coding<Double>.number(in: bounds)
      let floats = Coding<Float>.number(in: widest)
      #expect(try doubles.decode(doubles.encode(double), 0) == double)
      #expect(try floats.decode(floats.encode(float), 0) == float)
    }
  }

  @Test func randomBytesNeverCrashTheParser() {
    var generator = Seeded(seed: 2)
    let alphabet = Array("ab01:-,[]{}&*!|>'\"%@`#? \n\t.~=\u{FEFF}é".utf8)
    for _ in 0..<20_000 {
      let bytes = (0..<Int.random(in: 0..<40, using: &generator)).map { _ in
        alphabet.randomElement(using: &generator) ?? 0
      }
      _ = try? YAMLParser.parse(SourceText(bytes, of: .file("t.yaml")))
    }
  }

  @Test func deepTreesAreWrittenAndReadAlike() throws {
    let text = "a:\n  - b: [[1, 2], [], {}]\n    c: {}\n  - - x: 1\n    - y\n  - [[{ z: ~ }]]\n"
    let tree = try #require(try YAMLParser.parse(SourceText(Array(text.utf8), of: .file("t.yaml"))))
    let written = YAMLWriter.block(tree)
    let again = try YAMLParser.parse(SourceText(Array(written.utf8), of: .file("t.yaml")))
    #expect(again.map(JSON.init) == JSON(tree), "\(written)")
  }
}

/// A generator that gives the same numbers in every run (SplitMix64).
private struct Seeded: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}
