import Scenes

/// Returns the scenes of a split in order, once, in batches of `batch` scenes; the last batch has the remaining ones.
///
/// Batches are prepared on a background thread. Throws the errors of preparing the dataset.
public func evaluationBatches(_ dataset: any Dataset, _ split: Split, batch: Int) throws -> EvaluationBatches {
  precondition(batch >= 1, "batches of \(batch) scenes were asked for")
  try dataset.prepare(split)
  return EvaluationBatches(dataset: dataset, split: split, batch: batch)
}

/// The batches of a split. Every iteration makes the same batches again.
public struct EvaluationBatches: Sequence {
  let dataset: any Dataset
  let split: Split
  let batch: Int

  public var underestimatedCount: Int { (dataset.size(of: split) + batch - 1) / batch }

  public func makeIterator() -> Iterator { Iterator(self) }

  public struct Iterator: IteratorProtocol {
    private let batches: Prefetcher<Batch>

    init(_ sequence: EvaluationBatches) {
      let (dataset, split, batch) = (sequence.dataset, sequence.split, sequence.batch)
      let scenes = dataset.size(of: split)
      batches = Prefetcher(from: 0, to: sequence.underestimatedCount) { number in
        Batch(dataset, split, indices: Array(number * batch..<Swift.min(scenes, (number + 1) * batch)), number: number)
      }
    }

    public mutating func next() -> Batch? { batches.take() }
  }
}
