import CKernels
import Synchronization

/// Measures how a thread spends its time and arithmetic while it is being recorded.
///
/// This is for benchmarks. When nothing is recorded, measuring a part of the work costs one read of one number.
public enum Profile {
  /// The parts to which time is attributed. Time inside two nested parts counts for the outer one.
  public enum Part: Int32, CaseIterable, Sendable {
    case products, sparseProducts, convolutions, sampling, kernels, optimizer, batches, other

    fileprivate var code: Int32 {
      switch self {
      case .products: Int32(CK_PART_PRODUCTS.rawValue)
      case .sparseProducts: Int32(CK_PART_SPARSE.rawValue)
      case .convolutions: Int32(CK_PART_CONVOLUTIONS.rawValue)
      case .sampling: Int32(CK_PART_SAMPLING.rawValue)
      case .kernels: Int32(CK_PART_KERNELS.rawValue)
      case .optimizer: Int32(CK_PART_OPTIMIZER.rawValue)
      case .batches: Int32(CK_PART_BATCHES.rawValue)
      case .other: Int32(CK_PART_OTHER.rawValue)
      }
    }
  }

  /// c (+)= op(a) op(b), c [m, n], inner size k.
  public struct Product: Hashable, Sendable {
    public let m, n, k: Int
    public let isFirstTransposed, isSecondTransposed, accumulates: Bool
    /// The number of multiplications and additions.
    public var operations: Double { 2 * Double(m) * Double(n) * Double(k) }
  }

  public struct Result: Sendable {
    /// The thread's time in seconds, by part.
    public let seconds: [Part: Double]
    /// The dense products and how often each was computed.
    public let products: [Product: Int]
    /// The number of multiplications and additions of sparse products, and the number that they skipped.
    public let sparseOperations, skippedOperations: Double
    /// The number of multiplications and additions of convolutions.
    public let convolutionOperations: Double

    public var total: Double { seconds.values.reduce(0, +) }
    /// The number of multiplications and additions of dense products.
    public var denseOperations: Double { products.reduce(0) { $0 + $1.key.operations * Double($1.value) } }
  }

  private struct Counts {
    var products: [Product: Int] = [:]
    var sparse = 0.0
    var skipped = 0.0
    var convolutions = 0.0
  }

  private static let turn = Mutex(())
  private static let counts = Mutex(Counts())

  /// Runs `work` and returns how this thread spent its time. Threads that record at the same time wait for each other.
  public static func record(_ work: () throws -> Void) rethrows -> Result {
    try turn.withLock { _ in try recordAlone(work) }
  }

  private static func recordAlone(_ work: () throws -> Void) rethrows -> Result {
    counts.withLock { $0 = Counts() }
    var nanoseconds = [Int64](repeating: 0, count: Int(CK_PARTS.rawValue))
    ck_profile_start()
    do {
      defer { ck_profile_stop(&nanoseconds) }
      try work()
    }
    let seconds = Part.allCases.map { ($0, Double(nanoseconds[Int($0.code)]) * 1e-9) }
    return counts.withLock {
      Result(
        seconds: Dictionary(uniqueKeysWithValues: seconds), products: $0.products, sparseOperations: $0.sparse,
        skippedOperations: $0.skipped, convolutionOperations: $0.convolutions)
    }
  }

  /// Runs `work` and counts its time for a part.
  @inline(__always)
  package static func measure<Value>(_ part: Part, _ work: () throws -> Value) rethrows -> Value {
    let before = ck_enter(part.code)
    defer { ck_leave(before) }
    return try work()
  }

  /// The same for a dense product.
  @inline(__always)
  static func measure(_ product: @autoclosure () -> Product, _ work: () -> Void) {
    let before = ck_enter(Part.products.code)
    defer { ck_leave(before) }
    if before >= 0 {
      let product = product()
      counts.withLock { $0.products[product, default: 0] += 1 }
    }
    work()
  }

  /// The same for a sparse product that does `operations` of the `all` that a dense one would do.
  @inline(__always)
  static func measureSparse(_ operations: Int, of all: Int, _ work: () -> Void) {
    let before = ck_enter(Part.sparseProducts.code)
    defer { ck_leave(before) }
    if before >= 0 {
      counts.withLock {
        $0.sparse += Double(operations)
        $0.skipped += Double(all - operations)
      }
    }
    work()
  }

  /// The same for convolutions with this number of operations.
  @inline(__always)
  static func measureConvolutions(_ operations: @autoclosure () -> Int, _ work: () -> Void) {
    let before = ck_enter(Part.convolutions.code)
    defer { ck_leave(before) }
    if before >= 0 {
      let operations = operations()
      counts.withLock { $0.convolutions += Double(operations) }
    }
    work()
  }
}
