import CKernels

/// Checks that the BLAS library computes correct products. Old libraries are known to multiply wrongly on CPUs that
/// they do not know.
///
/// Products and sums of small whole numbers are exact in Float32 in any order, so a correct result is exact to the last
/// bit.
enum ProductCheck {
  /// A function with the meaning of `multiply`, for any of the library's kernel sets.
  typealias Product = (
    _ a: UnsafePointer<Float>, _ transposed: Bool, _ b: UnsafePointer<Float>, _ otherTransposed: Bool,
    _ c: UnsafeMutablePointer<Float>, _ m: Int, _ n: Int, _ k: Int, _ accumulates: Int32
  ) -> Void

  /// One row; less than a block; and more than the 10^6 multiplications up to which libraries use separate kernels.
  private static let sizes = [(m: 1, n: 37, k: 64), (m: 23, n: 17, k: 19), (m: 101, n: 107, k: 103)]

  /// Whether `product` is correct for all sizes. Takes less than a millisecond.
  static func passes(_ product: Product) -> Bool {
    sizes.allSatisfy { m, n, k in
      let (a, b) = (wholeNumbers(m * k, seed: 1), wholeNumbers(k * n, seed: 2))
      let (columnsOfA, columnsOfB) = (transposed(a, m, k), transposed(b, k, n))
      var right = [Float](repeating: 0, count: m * n)
      ck_plain_product(Int64(m), Int64(n), Int64(k), a, b, &right)
      // All layouts, overwriting and accumulating. The large size, which takes most of the time, tests half of the
      // combinations.
      return (m > 100 ? [0, 2, 5, 7] : Array(0..<8)).allSatisfy { way in
        let (ta, tb, accumulates) = (way & 1 != 0, way & 2 != 0, way & 4 != 0)
        var c = accumulates ? right : [Float](repeating: .nan, count: m * n)
        product(ta ? columnsOfA : a, ta, tb ? columnsOfB : b, tb, &c, m, n, k, accumulates ? 1 : 0)
        return (0..<m * n).allSatisfy { c[$0] == (accumulates ? 2 * right[$0] : right[$0]) }
      }
    }
  }

  /// Pseudorandom whole numbers from -4 to 4.
  private static func wholeNumbers(_ count: Int, seed: UInt32) -> [Float] {
    var state = seed
    return (0..<count).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      return Float((state >> 16) % 9) - 4
    }
  }

  private static func transposed(_ x: [Float], _ rows: Int, _ columns: Int) -> [Float] {
    var out = [Float](repeating: 0, count: x.count)
    ck_transpose(1, Int64(rows), Int64(columns), x, &out, 0)
    return out
  }
}
