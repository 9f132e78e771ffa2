import Dispatch
import Scenes
import Testing

@testable import Datasets

struct BatchLoaderTests {
  let dataset: MultiSprites

  init() throws {
    var config = MultiSprites.Config()
    config.side = 32
    config.counts = [0: 25, 1: 50, 2: 25]
    config.testSize = 50
    dataset = try MultiSprites(config)
  }

  private func batches(_ count: Int, batch: Int = 8, seed: Int = 0, startingAt start: Int = 0) throws -> [Batch] {
    let loader = try BatchLoader(dataset, batch: batch, seed: seed, startingAt: start)
    return (0..<count).map { _ in loader.next() }
  }

  private func expectSame(_ first: some Sequence<Batch>, _ second: some Sequence<Batch>) {
    for (one, other) in zip(first, second) {
      #expect(one.number == other.number && one.indices == other.indices && one.scenes == other.scenes)
      #expect(one.images.array() == other.images.array())
    }
  }

  @Test func aBatchHoldsItsScenesAsLevels() throws {
    for batch in try batches(3) {
      #expect(batch.images.shape == [8, 1, 32, 32] && batch.count == 8)
      #expect(batch.images.array() == batch.scenes.flatMap { $0.pixels.map { Float($0) / 255 } })
      #expect(batch.scenes == batch.indices.map { dataset.scene($0, of: .train) })
    }
  }

  @Test func aBatchDependsOnItsNumberAlone() throws {
    let all = try batches(40)
    #expect(all.map(\.number) == Array(0..<40))
    for start in [1, 11, 12, 13, 25] {
      expectSame(try batches(40 - start, startingAt: start), all[start...])
    }
  }

  @Test func everyEpochIsAPermutationOfItsOwn() throws {
    let places = try batches(50, batch: 8).flatMap(\.indices)  // 400 places: four epochs of 100 scenes
    let epochs = (0..<4).map { Array(places[$0 * 100..<($0 + 1) * 100]) }
    for epoch in epochs { #expect(epoch.sorted() == Array(0..<100)) }
    #expect(Set(epochs).count == 4)
  }

  @Test func anotherSeedOrdersScenesOtherwise() throws {
    #expect(try batches(12, seed: 1).flatMap(\.indices) != batches(12).flatMap(\.indices))
  }

  private func moved(_ count: Int, by shift: Int, startingAt start: Int = 0) throws -> [Batch] {
    let loader = try BatchLoader(dataset, batch: 8, seed: 0, shift: shift, startingAt: start)
    return (0..<count).map { _ in loader.next() }
  }

  @Test func aShiftMovesWholeScenesAndLosesNoInk() throws {
    var moves: [[Int]: Int] = [:]
    for batch in try moved(300, by: 2) {
      #expect(batch.images.array() == batch.scenes.flatMap { $0.pixels.map { Float($0) / 255 } })
      for (scene, index) in zip(batch.scenes, batch.indices) {
        let original = dataset.scene(index, of: .train)
        guard let first = scene.objects.first, let before = original.objects.first else { continue }
        let (right, down) = (Int(first.box.left - before.box.left), Int(first.box.top - before.box.top))
        #expect(abs(right) <= 2 && abs(down) <= 2)
        let hasAll = zip(scene.objects, original.objects).allSatisfy { one, other in
          one.label == other.label && one.box.width == other.box.width && one.box.height == other.box.height
            && one.center == Point(x: other.center.x + Double(right), y: other.center.y + Double(down))
        }
        #expect(hasAll)
        var pixels = [UInt8](repeating: 0, count: 32 * 32)
        for row in 0..<32 {
          for column in 0..<32 where original.pixels[row * 32 + column] > 0 {
            pixels[(row + down) * 32 + column + right] = original.pixels[row * 32 + column]
          }
        }
        #expect(scene.pixels == pixels)
        moves[[right, down], default: 0] += 1
      }
    }
    // All 25 moves come; sprites at an edge cannot go on, so that they are not equally frequent over all scenes.
    #expect(moves.count == 25 && moves.values.allSatisfy { $0 > 10 })
  }

  @Test func movedBatchesDependOnTheirNumberAlone() throws {
    let all = try moved(30, by: 3)
    for start in [1, 12, 25] { expectSame(try moved(30 - start, by: 3, startingAt: start), all[start...]) }
    let still = try batches(30)
    #expect(zip(all, still).allSatisfy { $0.indices == $1.indices })
    #expect(zip(all, still).contains { $0.images.array() != $1.images.array() })
  }

  @Test func masksMoveWithTheirScene() throws {
    let index = try #require(
      (0..<100).first {
        let (scene, margins) = (dataset.scene($0, of: .train), dataset.scene($0, of: .train).margins)
        return scene.count == 2 && min(margins.right, margins.top) > 0
      })
    let scene = dataset.scene(index, of: .train, withMasks: true)
    let moved = scene.moved(right: 1, down: -1)
    #expect(moved.objects.count == 2 && moved.masks.count == 2 && moved.objects != scene.objects)
    for (mask, object) in zip(moved.masks, moved.objects) {
      let box = mask.withUnsafeBufferPointer { Box(ofPixelsAbove: 25, in: $0, height: 32, width: 32) }
      #expect(box == object.box)
    }
    let gone = scene.moved(right: -3, down: 40)
    #expect(gone.pixels.allSatisfy { $0 == 0 } && gone.masks.allSatisfy { $0.allSatisfy { $0 == 0 } })
    #expect(scene.moved(right: 0, down: 0) == scene)
  }

  @Test func racingThreadsChangeNothing() throws {
    let alone = try batches(30)
    let results = Gathered()
    DispatchQueue.concurrentPerform(iterations: 8) { worker in
      let start = worker % 3
      guard let loader = try? BatchLoader(dataset, batch: 8, seed: 0, startingAt: start) else { return }
      for number in start..<30 {
        let batch = loader.next()
        results.add(number: number, levels: batch.images.array(), indices: batch.indices)
      }
    }
    #expect(results.all.count == 8 * 30 - (0..<8).map { $0 % 3 }.reduce(0, +))
    for result in results.all {
      #expect(result.levels == alone[result.number].images.array())
      #expect(result.indices == alone[result.number].indices)
    }
  }

  @Test func aLoaderEndsWhateverIsUnderWay() throws {
    for taken in 0..<60 {
      let loader = try BatchLoader(dataset, batch: 64, seed: 0)
      for _ in 0..<taken % 3 { _ = loader.next() }
      if taken % 2 == 0 { loader.stop() }
    }
  }

  @Test func aBatchLargerThanTheTrainingScenesIsRefused() throws {
    #expect(throws: DatasetError.batchTooLarge(batch: 101, scenes: 100)) {
      try BatchLoader(dataset, batch: 101, seed: 0)
    }
    #expect(DatasetError.batchTooLarge(batch: 101, scenes: 100).description.contains("training.batch"))
    #expect(try batches(1, batch: 100).first?.indices.sorted() == Array(0..<100))
  }

  @Test func evaluationVisitsTheWholeSplitInOrder() throws {
    let batches = try evaluationBatches(dataset, .test, batch: 16)
    #expect(batches.map(\.count) == [16, 16, 16, 2])
    #expect(batches.flatMap(\.indices) == Array(0..<50))
    #expect(batches.flatMap(\.scenes) == (0..<50).map { dataset.scene($0, of: .test) })
    expectSame(batches, batches)
  }
}

/// Results of several threads.
private final class Gathered: @unchecked Sendable {
  typealias Result = (number: Int, levels: [Float], indices: [Int])
  private let queue = DispatchQueue(label: "gathered")
  private var results: [Result] = []

  func add(number: Int, levels: [Float], indices: [Int]) {
    queue.sync { results.append((number, levels, indices)) }
  }

  var all: [Result] { queue.sync { results } }
}
