import Scenes

/// The number of objects of each scene of a split. Class sizes are exact, and every range of scenes is as balanced as
/// possible.
struct CountSchedule: Sendable {
  private let train, validation, test: [UInt8]

  /// `counts` gives the number of training scenes for each number of objects. The other splits have the same
  /// proportions, rounded by largest remainders.
  init(_ counts: [Int: Int], validation: Int, test: Int) {
    let classes = counts.sorted { $0.key < $1.key }
    let sizes = classes.map(\.value)
    let numbers = classes.map { UInt8($0.key) }
    train = Self.interleaved(numbers, sizes)
    self.validation = Self.interleaved(numbers, Self.shares(of: validation, inProportionTo: sizes))
    self.test = Self.interleaved(numbers, Self.shares(of: test, inProportionTo: sizes))
  }

  /// The number of objects of each scene, in order.
  subscript(split: Split) -> [UInt8] {
    switch split {
    case .train: train
    case .validation: validation
    case .test: test
    }
  }

  /// The largest number of objects that occurs in the split.
  func largest(in split: Split) -> Int { Int(self[split].max() ?? 0) }

  static func shares(of total: Int, inProportionTo sizes: [Int]) -> [Int] {
    let sum = sizes.reduce(0, +)
    guard sum > 0 else { return sizes.map { _ in 0 } }
    var shares = sizes.map { total * $0 / sum }
    let byRemainder = sizes.indices.sorted { (total * sizes[$0] % sum, $1) > (total * sizes[$1] % sum, $0) }
    for index in byRemainder.prefix(total - shares.reduce(0, +)) { shares[index] += 1 }
    return shares
  }

  /// Assigns each scene to the class that is furthest behind its share, so no class ever exceeds its size.
  private static func interleaved(_ numbers: [UInt8], _ sizes: [Int]) -> [UInt8] {
    let total = sizes.reduce(0, +)
    var behind = sizes.map { _ in 0 }
    return (0..<total).map { _ in
      var furthest = 0
      for index in sizes.indices {
        behind[index] += sizes[index]
        if behind[index] > behind[furthest] { furthest = index }
      }
      behind[furthest] -= total
      return numbers[furthest]
    }
  }
}
