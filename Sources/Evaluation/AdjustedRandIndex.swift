/// The agreement of two groupings of the same items, corrected for chance (Hubert and Arabie 1985, eq. (5)).
///
/// It is 1 if the groupings are the same up to their names, and 0 on average for random groupings with these group
/// sizes. It is nil for fewer than two items. If chance alone determines the result (both groupings have one group, or
/// only groups of one item), it is 1.
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
