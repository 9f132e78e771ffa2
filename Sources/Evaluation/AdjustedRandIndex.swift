/// How well two ways of dividing the same things into groups agree, beyond chance: 1 where they are the same up to names, 0
/// on average for divisions drawn at random with these group sizes.  Hubert and Arabie 1985, eq. (5).
///
/// Nil of fewer than two things. Where chance leaves no room (both have one group, or both only groups of one) it is 1.
public func adjustedRandIndex(_ first: [Int], _ second: [Int]) -> Double? {
  precondition(first.count == second.count, "\(first.count) labels were compared with \(second.count)")
  guard first.count > 1 else { return nil }
  func pairs(_ count: Int) -> Double { Double(count) * Double(count - 1) / 2 }
  func pairs<Key: Hashable>(within labels: [Key]) -> Double {
    Dictionary(grouping: labels, by: { $0 }).values.reduce(0) { $0 + pairs($1.count) }
  }
  let both = pairs(within: zip(first, second).map { [$0, $1] })
  let (own, other) = (pairs(within: first), pairs(within: second))
  let expected = own * other / pairs(first.count)
  let largest = (own + other) / 2
  return largest == expected ? 1 : (both - expected) / (largest - expected)
}
