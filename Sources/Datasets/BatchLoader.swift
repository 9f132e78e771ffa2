import Scenes
import Tensors

/// An endless sequence of training batches, prepared on a background thread. Use it from one thread.
///
/// Batch n is a pure function of (dataset, training seed, batch size, shift, n), independent of threads and of the
/// batch at which the loader starts. An epoch visits every training scene once, in its own order. If the batch size
/// does not divide the number of training scenes, a batch takes the last scenes of one epoch and the first of the next.
/// Endless scenes are taken in order, from a start that depends on the seed.
///
/// With a shift, each scene is moved as a whole, by a new amount each time, by up to that many pixels along both axes.
/// All moves at which only black pixels leave the image are equally likely.
public final class BatchLoader {
  private let batches: Prefetcher<Batch>

  /// Makes batches from number `start` on. Throws `DatasetError.batchTooLarge`, and the errors of preparing the
  /// dataset.
  public init(_ dataset: any Dataset, batch: Int, seed: Int, shift: Int = 0, startingAt start: Int = 0) throws {
    precondition(batch >= 1 && start >= 0, "batches of \(batch) scenes from number \(start) were asked for")
    precondition(shift >= 0, "a shift of \(shift) pixels was asked for")
    let scenes = dataset.size(of: .train)
    guard batch <= scenes else { throw DatasetError.batchTooLarge(batch: batch, scenes: scenes) }
    try dataset.prepare(.train)
    let order = TrainingOrder(scenes: scenes, seed: seed)
    let moves = RandomStream(seed: seed).child("moves")
    batches = Prefetcher(from: start) { number in
      let indices = order.indices(number * batch..<(number + 1) * batch)
      guard shift > 0 else { return Batch(dataset, .train, indices: indices, number: number) }
      var generator = moves.at(number).generator()
      let scenes = indices.map { dataset.scene($0, of: .train).movedAtRandom(by: shift, &generator) }
      return Batch(dataset, scenes: scenes, indices: indices, number: number)
    }
  }

  /// Waits for the next batch and returns it. Requires that the loader was not stopped.
  public func next() -> Batch {
    guard let batch = batches.take() else { preconditionFailure("a batch was asked of a stopped loader") }
    return batch
  }

  /// Stops making batches. This also happens when the loader is deallocated.
  public func stop() { batches.stop() }
}

extension Scene {
  /// Moves the scene at random by at most `shift` pixels along each axis, so that only black pixels leave the image.
  fileprivate func movedAtRandom(by shift: Int, _ generator: inout RandomGenerator) -> Scene {
    let margins = margins
    func move(_ before: Int, _ after: Int) -> Int {
      let (least, most) = (-min(shift, before), min(shift, after))
      return least + generator.integer(below: most - least + 1)
    }
    return moved(right: move(margins.left, margins.right), down: move(margins.top, margins.bottom))
  }
}

/// The endless sequence of training scenes: epoch after epoch, each a separate permutation.
final class TrainingOrder: Sendable {
  private let scenes: Int
  private let random: RandomStream
  private let current = Lock<(epoch: Int, order: [Int])>((-1, []))
  /// The index of the first endless scene. It is drawn from so large a range that seeds do not share scenes in
  /// practice.
  private let first: Int

  init(scenes: Int, seed: Int) {
    self.scenes = scenes
    random = RandomStream(seed: seed).child("batches")
    var generator = random.generator()
    first = scenes == endlessScenes ? generator.integer(below: endlessScenes / 2) : 0
  }

  /// The indices of the scenes at these positions of the sequence.
  func indices(_ places: Range<Int>) -> [Int] {
    if scenes == endlessScenes { return places.map { first + $0 } }
    return current.withLock { current in
      places.map { place in
        if current.epoch != place / scenes {
          current = (place / scenes, random.at(place / scenes).permutation(scenes))
        }
        return current.order[place % scenes]
      }
    }
  }
}
