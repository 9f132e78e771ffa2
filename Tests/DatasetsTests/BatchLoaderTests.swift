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
