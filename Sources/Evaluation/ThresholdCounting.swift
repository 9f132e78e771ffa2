/// Counting objects by how much is encoded of them: as many as codes whose KL is above a threshold (Nash et al. 2017,
/// section 4.3).
public struct ThresholdCounting: Equatable, Sendable {
  /// What a model made of a scene.
  public struct Example: Sendable {
    /// The KL of each code, in nats, falling.
    public let information: [Float]
    /// How many objects there are.
    public let count: Int

    public init(information: [Float], count: Int) { (self.information, self.count) = (information, count) }
  }

  /// In nats: the middle of those thresholds that are right most often; the lowest such stretch.
  public let threshold: Double

  /// Searches all thresholds from 0 up: between two neighboring KLs of all examples they are alike.
  public init(searching examples: [Example]) {
    // An example is right from the first KL that must not count up to the last one that must.
    var changes: [(at: Double, by: Int)] = []
    for example in examples where example.count <= example.information.count {
      let low = example.count < example.information.count ? Double(example.information[example.count]) : 0
      let high = example.count > 0 ? Double(example.information[example.count - 1]) : .infinity
      if max(low, 0) < high {
        changes.append((max(low, 0), 1))
        if high < .infinity { changes.append((high, -1)) }
      }
    }
    changes.sort { $0.at < $1.at }
    var (right, most, best) = (0, 0, 0.0...0.0)
    var index = 0
    while index < changes.count {
      let at = changes[index].at
      while index < changes.count, changes[index].at == at {
        right += changes[index].by
        index += 1
      }
      if right > most {
        most = right
        best = at...(index < changes.count ? changes[index].at : at)
      }
    }
    threshold = (best.lowerBound + best.upperBound) / 2
  }

  public func count(_ information: [Float]) -> Int { information.count { Double($0) > threshold } }

  /// The share of examples counted right; nil of none.
  public func accuracy(on examples: [Example]) -> Double? {
    examples.isEmpty ? nil : Double(examples.count { count($0.information) == $0.count }) / Double(examples.count)
  }

  /// The mean over the numbers of objects from 1 on, weighted equally, of the share counted right; nil without such.
  public func balancedAccuracy(on examples: [Example]) -> Double? {
    let numbers = Set(examples.map(\.count)).filter { $0 > 0 }.sorted()
    return Statistics(numbers.compactMap { number in accuracy(on: examples.filter { $0.count == number }) }).mean
  }

  /// What always naming the most frequent number would score; nil of no examples.
  public static func majorityShare(of examples: [Example]) -> Double? {
    let sizes = Dictionary(grouping: examples, by: \.count).values.map(\.count)
    return sizes.max().map { Double($0) / Double(examples.count) }
  }

  /// The names of `scores`.
  public static let measures =
    [Measure("kl_threshold", better: nil)]
    + ["kl_count_accuracy_searched", "kl_count_accuracy", "kl_count_accuracy_balanced"]
    .map { Measure($0, better: .higher) } + [Measure("majority_count_share", better: nil)]

  /// On examples that it was not searched on; `found` were.
  public func scores(on examples: [Example], searchedOn found: [Example]) -> [Score] {
    [
      ("kl_threshold", threshold), ("kl_count_accuracy_searched", accuracy(on: found)),
      ("kl_count_accuracy", accuracy(on: examples)),
      ("kl_count_accuracy_balanced", balancedAccuracy(on: examples)),
      ("majority_count_share", Self.majorityShare(of: examples)),
    ].compactMap { name, value in value.map { Score(name, $0) } }
  }
}
