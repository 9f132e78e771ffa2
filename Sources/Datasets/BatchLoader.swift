import Scenes
import Tensors

/// Training batches without end, made ahead on a background thread.
///
/// Batch n is a pure function of (dataset, training seed, batch size, shift, n), whatever threads do and wherever one starts.
/// An epoch visits every training scene once, in an order of its own; where the batch size does not divide the training
/// scenes, a batch takes the last of one epoch and the first of the next. Endless scenes are taken in their order, from a
/// place of the seed's own. With a shift each scene is moved as a whole, anew each time, by up to so many pixels along both
/// axes, all equally likely among those at which nothing that is not black leaves the image. Use it from one thread.
public final class BatchLoader {
  private let batches: Prefetcher<Batch>

  /// Batches from number `start` on. Throws `DatasetError.batchTooLarge`, and what preparing the dataset throws.
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

  /// The next batch, once it is made. Requires that the loader was not stopped.
  public func next() -> Batch {
    guard let batch = batches.take() else { preconditionFailure("a batch was asked of a stopped loader") }
    return batch
  }

  /// Makes no more batches. The loader's end does the same.
  public func stop() { batches.stop() }
}

extension Scene {
  /// Moved as far as nothing that is not black leaves the image, and no further than `shift` pixels along each axis.
  fileprivate func movedAtRandom(by shift: Int, _ generator: inout RandomGenerator) -> Scene {
    let margins = margins
    func move(_ before: Int, _ after: Int) -> Int {
      let (least, most) = (-min(shift, before), min(shift, after))
      return least + generator.integer(below: most - least + 1)
    }
    return moved(right: move(margins.left, margins.right), down: move(margins.top, margins.bottom))
  }
}

/// The endless sequence of training scenes: epoch after epoch, each a permutation of its own.
final class TrainingOrder: Sendable {
  private let scenes: Int
  private let random: RandomStream
  private let current = Lock<(epoch: Int, order: [Int])>((-1, []))
  /// The first of endless scenes, so far into them that seeds share none.
  private let first: Int

  init(scenes: Int, seed: Int) {
    self.scenes = scenes
    random = RandomStream(seed: seed).child("batches")
    var generator = random.generator()
    first = scenes == endlessScenes ? generator.integer(below: endlessScenes / 2) : 0
  }

  /// The scenes at these places of the sequence.
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
