import Configuration
import Foundation
import Pictures
import Scenes
import Testing

@testable import Datasets

struct MultiMNISTTests {
  let mnist: SmallData

  init() throws { mnist = try SmallData.shared.get() }

  @Test func splitsNeverShareADigit() throws {
    let dataset = try MultiMNIST(.init([1: 100, 2: 200]), in: mnist.context)
    let labels = try Split.allCases.map { split in
      Set(try scenes(dataset, split, count: 60).flatMap { $0.objects.map(\.label) })
    }
    #expect(labels == [Set(0...4), Set(5...8), [9]])
  }

  @Test func trainingAndValidationDigitsAreDisjointRanges() throws {
    let digits = try Digits(dataFolder: mnist.context.dataFolder)
    #expect(try digits.part(.train).range == 0..<500)
    #expect(try digits.part(.validation).range == 500..<600)
    #expect(try digits.part(.test).range == 0..<120)
  }

  @Test func everySceneHasItsScheduledNumberOfDigits() throws {
    let dataset = try MultiMNIST(.init([0: 50, 2: 100, 3: 50]), in: mnist.context)
    let numbers = try scenes(dataset, count: 200).map(\.count)
    #expect([0, 1, 2, 3].map { number in numbers.filter { $0 == number }.count } == [50, 0, 100, 50])
  }

  @Test func digitsHaveTheSizesOfTheirKind() throws {
    var config = MultiMNIST.Config([1: 400])
    config.overlap = .allowed
    let shares = try scenes(MultiMNIST(config, in: mnist.context), count: 400).compactMap { $0.objects.first?.scale }
    let sides = shares.map { $0 * 50 }
    // 28 / r with r ~ N(1.3, 0.1^2) has a mean of 21.67 and a standard deviation of 1.70; rounding adds 0.29.
    let mean = sides.reduce(0, +) / 400
    let deviation = (sides.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 399).squareRoot()
    #expect(abs(mean - 21.67) < 0.35)
    #expect(abs(deviation - 1.72) < 0.25)
    #expect(sides.allSatisfy { abs($0 - $0.rounded()) < 1e-9 && (17...28).contains($0.rounded()) })

    config.digit.kind = .native
    for scene in try scenes(MultiMNIST(config, in: mnist.context), count: 20) {
      #expect(scene.objects.first?.scale == 28.0 / 50)
    }
    config.digit.kind = .tight
    config.digit.scale = 0.6
    for object in try scenes(MultiMNIST(config, in: mnist.context), count: 40).flatMap(\.objects) {
      // The strokes' box fills the frame, up to faint ink at its edges.
      let side = try #require(object.scale) * 50
      #expect(side <= 13 && max(object.box.width, object.box.height) >= side - 2)
    }
  }

  @Test func aTightDigitInItsOwnSizeIsItsUnchangedInk() throws {
    var config = MultiMNIST.Config([1: 20])
    config.digit.kind = .tight
    let pixels = try Digits(dataFolder: mnist.context.dataFolder).part(.train).images.pixels
    let inks = Set(
      (0..<500).map { digit in
        pixels[digit * 784..<(digit + 1) * 784].filter { $0 > 0 }.sorted()
      })
    for scene in try scenes(MultiMNIST(config, in: mnist.context), count: 20) {
      #expect(inks.contains(scene.pixels.filter { $0 > 0 }.sorted()))
    }
  }

  @Test func placesAreUniformOverTheWholeCanvas() throws {
    var config = MultiMNIST.Config([1: 2000])
    config.digit.kind = .native
    let centers = try scenes(MultiMNIST(config, in: mnist.context), count: 2000).flatMap(\.objects).map(\.center)
    // 23 places each way, centers 14 to 36: mean 25, standard deviation 6.63.
    for places in [centers.map(\.x), centers.map(\.y)] {
      #expect(places.min() == 14 && places.max() == 36)
      let mean = places.reduce(0, +) / 2000
      #expect(abs(mean - 25) < 0.6)
    }
  }

  @Test func anotherSeedDrawsOtherScenes() throws {
    var config = MultiMNIST.Config([1: 20])
    let first = try scenes(MultiMNIST(config, in: mnist.context), count: 20)
    config.seed = 1
    #expect(try scenes(MultiMNIST(config, in: mnist.context), count: 20) != first)
  }

  @Test func missingFilesNameThemselvesAndTheRemedy() throws {
    let context = DatasetContext(dataFolder: "/nowhere/at/all")
    let error = #expect(throws: DatasetError.self) { try MultiMNIST(.init(), in: context) }
    let words = try #require(error).description
    #expect(words.hasPrefix("/nowhere/at/all/mnist/train-images-idx3-ubyte.gz: no such file"))
    for remedy in ["airframe data fetch mnist", "--data", "AIRFRAME_DATA"] { #expect(words.contains(remedy)) }
  }

  @Test func brokenFilesAreReportedWhenTheSplitIsPrepared() throws {
    let mnist = try SmallData()
    let file = mnist.context.dataFolder + "/mnist/t10k-images-idx3-ubyte.gz"
    try Data(Gzip.compress([0, 0, 8, 1, 0, 0, 0, 2, 7, 7])).write(to: URL(fileURLWithPath: file))
    let dataset = try MultiMNIST(.init([1: 20]), in: mnist.context)
    try dataset.prepare(.train)  // which does not read the test file
    let error = #expect(throws: DatasetError.self) { try dataset.prepare(.test) }
    #expect(try #require(error).description.contains("t10k-images-idx3-ubyte.gz: holds shape [2]"))
  }

  @Test func anotherFileChangesTheFingerprint() throws {
    let mnist = try SmallData()
    let before = try MultiMNIST(.init(), in: mnist.context).fingerprint
    let file = mnist.context.dataFolder + "/mnist/t10k-labels-idx1-ubyte.gz"
    let content = try Gzip.readFile(file, limit: 1 << 20)
    try Data(Gzip.compress(content, level: 0)).write(to: URL(fileURLWithPath: file))
    #expect(try MultiMNIST(.init(), in: mnist.context).fingerprint == before, "compressed otherwise, the same content")
    try Data(Gzip.compress(content.dropLast() + [8])).write(to: URL(fileURLWithPath: file))
    #expect(try MultiMNIST(.init(), in: mnist.context).fingerprint != before)
  }

  @Test func configsThatCannotWorkAreRefused() {
    var config = MultiMNIST.Config()
    #expect(config.problems().isEmpty)
    config.side = 20
    #expect(config.problems().map(\.key) == ["side"])
    config = .init()
    config.counts = [2: 0]
    #expect(config.problems().map(\.key) == ["counts"])
  }

  /// Needs the real MNIST: set AIRFRAME_DATA to the folder that holds mnist/ (skipped otherwise).
  @Test(.enabled(if: hasMNIST)) func theRealDigitsGiveTheDefaultScenes() throws {
    let dataset = try MultiMNIST(.init(), in: DatasetContext(dataFolder: #require(dataFolder)))
    #expect(Split.allCases.map(dataset.size) == [60_000, 2000, 2000])
    for split in Split.allCases {
      let drawn = try scenes(dataset, split, count: 600)
      #expect((0...2).map { number in drawn.filter { $0.count == number }.count } == [200, 200, 200])
      #expect(Set(drawn.flatMap { $0.objects.map(\.label) }) == Set(0...9))
      #expect(drawn.allSatisfy { largestSum($0) <= 255 })
    }
  }

  /// Needs the real MNIST: set AIRFRAME_DATA to the folder that holds mnist/ (skipped otherwise).
  @Test(.enabled(if: hasMNIST)) func thePapersSettingsAllFit() throws {
    let context = DatasetContext(dataFolder: try #require(dataFolder))
    for counts in [[1: 20_000, 3: 20_000], [1: 20_000, 4: 20_000], [2: 20_000, 4: 20_000]] {
      var config = MultiMNIST.Config(counts, overlap: .strokes)
      config.digit.kind = .tight
      try MultiMNIST(config, in: context).prepare(.train)
    }
  }
}
